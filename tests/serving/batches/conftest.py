"""A gateway that has batches and answers as a script says; on both databases."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from batch_gateway import Script, gateway
from openai import OpenAI
from sqlalchemy import create_engine, text

from onbrand.workspace import Workspace
from serving.batches.broker import BROKER_URL
from serving.store.database import STORE_URL, store_url
from tests.serving.servers import Server, postgres, postgres_url

BRAND_TOML = "[batches]\nmax_requests = 2000\nmax_file_mb = 3\nconcurrency = 3\n"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="onbrand-postgres-") as folder:
        server = postgres(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    (tmp_path / "brand.toml").write_text(BRAND_TOML)
    monkeypatch.delenv(STORE_URL, raising=False)
    monkeypatch.delenv(BROKER_URL, raising=False)
    return Workspace(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def either(
    request: pytest.FixtureRequest, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """The workspace, with its store in one or the other database."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres_server")
        monkeypatch.setenv(STORE_URL, postgres_url(server))
        with create_engine(store_url(workspace)).begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    return workspace


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def client(workspace: Workspace, script: Script) -> Iterator[OpenAI]:
    with gateway(workspace, script) as client:
        yield client
