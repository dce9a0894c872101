import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, NullPool, create_engine, inspect, text

import serving.batches.tables  # noqa: F401 - theirs lie in the same database
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from serving.store.base import Base
from serving.store.database import STORE_URL, migrate, open_database, shown, store_url
from serving.store.store import open_store


@contextmanager
def connected(workspace: Workspace) -> Iterator[Connection]:
    url = store_url(workspace)
    plain = url.set(drivername="sqlite") if url.get_backend_name() == "sqlite" else url
    engine = create_engine(plain, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def tables(workspace: Workspace) -> set[str]:
    with connected(workspace) as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}


def test_migrations_go_up_and_down_and_up(workspace: Workspace) -> None:
    wanted = set(Base.metadata.tables)
    assert tables(workspace) >= wanted
    migrate(store_url(workspace), "base", down=True)
    assert tables(workspace) == set()
    migrate(store_url(workspace))
    assert tables(workspace) >= wanted


def test_the_migrations_make_what_the_models_say(workspace: Workspace) -> None:
    with connected(workspace) as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.anyio
async def test_several_gateways_may_open_it_at_once(workspace: Workspace) -> None:
    migrate(store_url(workspace), "base", down=True)

    async def use() -> None:
        async with open_store(workspace) as store:
            await store.keys.create("x", ["chat"])

    await asyncio.gather(*(use() for _ in range(4)))
    async with open_store(workspace) as store:
        assert len(await store.keys.list()) == 4


def test_one_that_a_later_version_made_is_refused_in_a_sentence(workspace: Workspace) -> None:
    with connected(workspace) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()
    for _ in range(2):
        with pytest.raises(OnbrandError, match=r"^The store .* made by a later version [^\n]+\.$"):
            migrate(store_url(workspace))


@pytest.mark.anyio
@pytest.mark.parametrize("workspace", ["postgresql"], indirect=True)
async def test_the_server_lets_a_transaction_take_the_time_that_it_asks_for(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.store.database._TRANSACTION_SECONDS", 0.3)
    async with open_database(workspace) as database:
        async with database.transaction(5) as session:
            await session.execute(text("SELECT pg_sleep(0.6)"))
            assert await session.scalar(text("SHOW statement_timeout")) == "5s"
        async with database.transaction(0.3) as session:  # on the same connection
            assert await session.scalar(text("SHOW statement_timeout")) == "300ms"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "not a database's URL"),
        ("mysql://host/db", "names mysql"),
        ("postgresql://me:pass-word@host/db", "holds a password"),
    ],
)
def test_urls_that_cannot_be_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, says: str
) -> None:
    monkeypatch.delenv(STORE_URL, raising=False)
    (tmp_path / "brand.toml").write_text(f'[store]\nurl = "{url}"\n')
    with pytest.raises(UsageError, match=says) as refused:
        store_url(Workspace(tmp_path))
    assert "pass-word" not in str(refused.value)


def test_no_password_in_any_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brand.toml").write_text("")
    monkeypatch.setenv(STORE_URL, "postgresql://me:pass-word@127.0.0.1:1/db?password=pass-word")
    url = store_url(Workspace(tmp_path))
    assert "pass-word" not in shown(url)
    with pytest.raises(OnbrandError, match="cannot be opened") as failed:
        migrate(url)
    assert "pass-word" not in str(failed.value)
