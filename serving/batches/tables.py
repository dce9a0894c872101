"""The tables of files, batches and their lines; times are Unix seconds."""

from sqlalchemy import BigInteger, Double, Index, Integer, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from serving.store.base import Base

_NUMBER = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only in a column of exactly the type INTEGER."""


class FileRow(Base):
    """A file that was handed in, or that a batch wrote; its content is in `ChunkRow`."""

    __tablename__ = "batch_files"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(index=True)
    """Id of the key it belongs to; "" where the gateway asks for no keys."""
    purpose: Mapped[str]
    filename: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger, index=True)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
    whole: Mapped[bool]
    """False while it is being written; nobody sees it then."""


class ChunkRow(Base):
    """A piece of a file's content, cut anywhere."""

    __tablename__ = "batch_file_chunks"

    file_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class BatchRow(Base):
    """A batch, with the fields of OpenAI's object and what is needed to work on it."""

    __tablename__ = "batches"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(index=True)
    input_file_id: Mapped[str]
    endpoint: Mapped[str]
    completion_window: Mapped[str]
    notes: Mapped[str] = mapped_column(Text)
    """JSON: the client's metadata."""
    output_seconds: Mapped[int | None]
    """How long the files it writes are kept, where the client said so."""
    status: Mapped[str] = mapped_column(index=True)
    ending: Mapped[str]
    """While it is being finished: the status it will have then."""
    errors: Mapped[str] = mapped_column(Text)
    """JSON: what is wrong with the input file."""
    created_at: Mapped[int] = mapped_column(BigInteger, index=True)
    expires_at: Mapped[int] = mapped_column(BigInteger)
    in_progress_at: Mapped[int | None] = mapped_column(BigInteger)
    finalizing_at: Mapped[int | None] = mapped_column(BigInteger)
    completed_at: Mapped[int | None] = mapped_column(BigInteger)
    failed_at: Mapped[int | None] = mapped_column(BigInteger)
    expired_at: Mapped[int | None] = mapped_column(BigInteger)
    cancelling_at: Mapped[int | None] = mapped_column(BigInteger)
    cancelled_at: Mapped[int | None] = mapped_column(BigInteger)
    output_file_id: Mapped[str | None]
    error_file_id: Mapped[str | None]
    total: Mapped[int]
    completed: Mapped[int]
    failed: Mapped[int]
    paused_until: Mapped[float] = mapped_column(Double)
    """No line is asked before: the gateway had no room."""
    holder: Mapped[str]
    """Who checks its input or writes its files now."""
    held_until: Mapped[float] = mapped_column(Double)


class LineRow(Base):
    """One request of a batch: pending, running, done or failed; gone once the files are written."""

    __tablename__ = "batch_lines"
    __table_args__ = (
        UniqueConstraint("batch_id", "number"),
        Index("ix_batch_lines_open", "batch_id", "state", "number"),
        Index("ix_batch_lines_held", "state", "lease_until"),
    )

    id: Mapped[int] = mapped_column(_NUMBER, primary_key=True)
    batch_id: Mapped[str]
    number: Mapped[int]
    """Its line in the input file, from 1."""
    request_id: Mapped[str]
    custom_id: Mapped[str] = mapped_column(Text)
    """JSON, escaped to ASCII, so that any text can be kept; PostgreSQL takes no NUL."""
    body: Mapped[str] = mapped_column(Text)
    """JSON: what is asked."""
    state: Mapped[str]
    holder: Mapped[str] = mapped_column(index=True)
    """Which process asks it now."""
    lease_until: Mapped[float] = mapped_column(Double)
    """When it is taken from a holder that does not renew this."""
    not_before: Mapped[float] = mapped_column(Double)
    attempts: Mapped[int]
    """How often it was asked in vain, waits for room aside."""
    status_code: Mapped[int | None]
    response: Mapped[str | None] = mapped_column(Text)
    """JSON: the body of the answer, whether done or failed."""
