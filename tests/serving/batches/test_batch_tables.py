"""The migration makes the tables that the code speaks of, and takes them away again."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from onbrand.workspace import Workspace
from serving.batches import tables
from serving.store.database import migrate, store_url

NAMES = {tables.FileRow, tables.ChunkRow, tables.BatchRow, tables.LineRow}


def test_migrations_make_the_tables_up_and_down(either: Workspace) -> None:
    url = store_url(either)
    plain = url.set(drivername="sqlite") if "sqlite" in url.drivername else url
    migrate(url)
    with create_engine(plain).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.Base.metadata) == []
    migrate(url, "0001_store", down=True)
    left = set(inspect(create_engine(plain)).get_table_names())
    assert left.isdisjoint(table.__tablename__ for table in NAMES)
    assert "api_keys" in left
    migrate(url)
