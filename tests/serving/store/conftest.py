"""Every test of the store runs on both databases."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from onbrand.workspace import Workspace
from serving.store.database import STORE_URL, migrate, store_url
from tests.serving.servers import Server, postgres, postgres_url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    # Not below pytest's own folder, which only its owner may enter.
    with tempfile.TemporaryDirectory(prefix="onbrand-postgres-") as folder:
        server = postgres(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def workspace(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """A workspace whose store is empty."""
    (tmp_path / "brand.toml").write_text("[store]\nusage = true\nconversations = true\n")
    made = Workspace(tmp_path)
    monkeypatch.delenv(STORE_URL, raising=False)
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres_server")
        if server.process is None:
            server.start()
        monkeypatch.setenv(STORE_URL, postgres_url(server))
        with create_engine(store_url(made), poolclass=NullPool).begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    assert os.environ.get(STORE_URL, "").startswith("postgresql") == (request.param != "sqlite")
    migrate(store_url(made))
    return made
