"""What the ledger keeps, and in which words."""

import json
import sqlite3
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from bots.question import Asked, Place, Question

State = Literal["received", "answering", "delivered"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS questions (
    id TEXT PRIMARY KEY,
    place TEXT NOT NULL,         -- bots.question.Place, as JSON
    place_id TEXT NOT NULL,
    author TEXT NOT NULL,
    asked_as TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    state TEXT NOT NULL,
    ending TEXT NOT NULL,        -- of a delivered one: Ending or Closed
    request_id TEXT NOT NULL,    -- X-Request-Id of the answer
    received_at REAL NOT NULL    -- of this attempt, seconds since 1970
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS questions_by_place ON questions (place_id);
CREATE INDEX IF NOT EXISTS questions_open ON questions (received_at) WHERE state != 'delivered';
CREATE INDEX IF NOT EXISTS questions_by_time ON questions (received_at);
CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_by_time ON events (at);
CREATE TABLE IF NOT EXISTS posts (
    message_id TEXT UNIQUE NOT NULL,
    question_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    characters INTEGER NOT NULL, -- of the answer in this message
    notice INTEGER NOT NULL      -- 1: it holds a sentence of the bot, and no answer
);
CREATE INDEX IF NOT EXISTS posts_by_question ON posts (question_id);
"""


class Admission(StrEnum):
    """What the ledger says of a question that comes in."""

    NEW = "new"
    KNOWN = "known"
    """It was received before."""
    STRANGE = "strange"
    """We never answered in its thread."""


class Closed(StrEnum):
    """Why a question has no answer; stands where the `Ending` of an answer would."""

    REFUSED = "refused"
    """Too many questions."""
    STOP = "stop"
    """It was a bare "stop"."""
    EXPIRED = "expired"
    """It was too old when the bot came back."""
    GONE = "gone"
    """It could not be read again."""
    UNDELIVERABLE = "undeliverable"
    """The platform would not take the answer."""
    UNTOLD = "untold"
    """The answer had come to its end on the platform, nobody knows which, before a crash."""


@dataclass(frozen=True)
class Open:
    """A question that is not delivered."""

    asked: Asked
    state: State
    request_id: str
    """X-Request-Id of the answer; "" when none was asked for."""
    known: tuple[str, ...]
    """Messages that this attempt has posted, oldest first."""
    earlier: tuple[str, ...]
    """Messages that earlier attempts have posted."""


@dataclass(frozen=True)
class Posted:
    """An answer that is on the platform."""

    request_id: str
    """X-Request-Id of the gateway's answer."""
    place: Place


def row_of(question: Question, now: float) -> tuple[str | int | float, ...]:
    """The row of a question that was just received."""
    place = question.place
    return (
        question.id,
        json.dumps(asdict(place)),
        place.id,
        question.turn.author_id,
        question.asked_as,
        question.attempt,
        "received",
        "",
        "",
        now,
    )


def place_of(row: sqlite3.Row) -> Place:
    """The place in a row of questions."""
    return Place(**json.loads(row["place"]))


def asked_of(row: sqlite3.Row) -> Asked:
    """What a row of questions says."""
    return Asked(
        id=row["id"],
        place=place_of(row),
        author_id=row["author"],
        asked_as=row["asked_as"],
        attempt=row["attempt"],
        at=datetime.fromtimestamp(row["received_at"], UTC),
    )


def open_of(row: sqlite3.Row, posts: list[sqlite3.Row]) -> Open:
    """What a row of questions and its posts say."""
    attempt = row["attempt"]
    return Open(
        asked=asked_of(row),
        state=row["state"],
        request_id=row["request_id"],
        known=tuple(post["message_id"] for post in posts if post["attempt"] == attempt),
        earlier=tuple(post["message_id"] for post in posts if post["attempt"] < attempt),
    )
