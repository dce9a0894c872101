"""The tables of keys, usage, conversations and feedback; times are Unix seconds."""

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from serving.store.base import Base

_INTEGER = Integer()
"""SQLite numbers rows by itself only in a column of exactly this type."""


class KeyRow(Base):
    """An API key; the key itself is not here, only its hash."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[str]
    per_minute: Mapped[int | None]
    created_at: Mapped[int] = mapped_column(BigInteger)
    last_used_at: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)


class UsageRow(Base):
    """What one user had with one key from one model on one day (UTC, `2026-01-31`)."""

    __tablename__ = "usage"

    user: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)


class ConversationRow(Base):
    """One question with what came before it, and its answer."""

    __tablename__ = "conversations"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(_INTEGER, "sqlite"), primary_key=True)
    request_id: Mapped[str] = mapped_column(index=True)
    user: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[int] = mapped_column(BigInteger, index=True)
    messages: Mapped[str] = mapped_column(Text)
    """JSON: a list of {role, content}."""
    answer: Mapped[str] = mapped_column(Text)


class FeedbackRow(Base):
    """An opinion of one answer."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(_INTEGER, "sqlite"), primary_key=True)
    request_id: Mapped[str] = mapped_column(index=True)
    user: Mapped[str] = mapped_column(index=True)
    rating: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[int] = mapped_column(BigInteger, index=True)


class SegmentRow(Base):
    """A piece of the journal that is in the tables already, should its file still be there."""

    __tablename__ = "journal_segments"

    name: Mapped[str] = mapped_column(primary_key=True)
    written_at: Mapped[int] = mapped_column(BigInteger)


def storable(text: str) -> str:
    """The text as both databases take it: PostgreSQL refuses NUL, and both refuse half characters.

    https://www.postgresql.org/docs/current/datatype-character.html
    """
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")
