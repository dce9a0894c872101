"""Files, batches and their lines."""

import sqlalchemy as sa
from alembic import op

revision = "0002_batches"
down_revision = "0001_store"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, *, index: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.String(), nullable=False, index=index)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "batch_files",
        sa.Column("id", sa.String(), primary_key=True),
        _text("owner", index=True),
        _text("purpose"),
        _text("filename"),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False, index=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, index=True),
        sa.Column("whole", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "batch_file_chunks",
        sa.Column("file_id", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    moments = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling")
    op.create_table(
        "batches",
        sa.Column("id", sa.String(), primary_key=True),
        _text("owner", index=True),
        _text("input_file_id"),
        _text("endpoint"),
        _text("completion_window"),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("output_seconds", sa.Integer()),
        _text("status", index=True),
        _text("ending"),
        sa.Column("errors", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False, index=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        *(sa.Column(f"{moment}_at", sa.BigInteger()) for moment in (*moments, "cancelled")),
        sa.Column("output_file_id", sa.String()),
        sa.Column("error_file_id", sa.String()),
        *(sa.Column(n, sa.Integer(), nullable=False) for n in ("total", "completed", "failed")),
        sa.Column("paused_until", sa.Double(), nullable=False),
        _text("holder"),
        sa.Column("held_until", sa.Double(), nullable=False),
    )
    op.create_table(
        "batch_lines",
        sa.Column("id", _NUMBER, primary_key=True),
        _text("batch_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("request_id"),
        sa.Column("custom_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        _text("state"),
        _text("holder", index=True),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status_code", sa.Integer()),
        sa.Column("response", sa.Text()),
        sa.UniqueConstraint("batch_id", "number"),
    )
    op.create_index("ix_batch_lines_open", "batch_lines", ["batch_id", "state", "number"])
    op.create_index("ix_batch_lines_held", "batch_lines", ["state", "lease_until"])


def downgrade() -> None:
    """Drop them."""
    for table in ("batch_lines", "batches", "batch_file_chunks", "batch_files"):
        op.drop_table(table)
