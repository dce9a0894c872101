"""Keys, usage, conversations, feedback, and the journal's segments."""

import sqlalchemy as sa
from alembic import op

revision = "0001_store"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False, unique=True),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("per_minute", sa.Integer()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
    )
    op.create_table(
        "usage",
        sa.Column("user", sa.String(), primary_key=True),
        sa.Column("key_id", sa.String(), primary_key=True),
        sa.Column("day", sa.String(), primary_key=True),
        sa.Column("model", sa.String(), primary_key=True),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "conversations",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("request_id", sa.String(), nullable=False, index=True),
        sa.Column("user", sa.String(), nullable=False, index=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False, index=True),
        sa.Column("messages", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
    )
    op.create_table(
        "feedback",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("request_id", sa.String(), nullable=False, index=True),
        sa.Column("user", sa.String(), nullable=False, index=True),
        sa.Column("rating", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False, index=True),
    )
    op.create_table(
        "journal_segments",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("journal_segments", "feedback", "conversations", "usage", "api_keys"):
        op.drop_table(table)
