"""Opinions of answers, and the answers they are about."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from serving.store.database import Database
from serving.store.tables import ConversationRow, FeedbackRow, storable

Rating = Literal["up", "down"]
_AT_ONCE = 500


@dataclass(frozen=True)
class Judged:
    """An opinion, and what it is about."""

    rating: Rating
    text: str
    """What the person wrote about it."""
    messages: list[dict[str, str]]
    """What was asked, {role, content}; empty where the conversation was not recorded."""
    answer: str


class FeedbackLog:
    """The feedback of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, *, request_id: str, user: str, rating: Rating, text: str) -> None:
        """Keep an opinion.

        Raises:
            StoreUnavailableError: the database cannot be written.
        """
        row = FeedbackRow(
            request_id=storable(request_id),
            user=storable(user),
            rating=rating,
            text=storable(text),
            created_at=int(time.time()),
        )
        async with self._database.transaction() as session:
            session.add(row)

    async def judged(self) -> AsyncIterator[Judged]:
        """Each person's newest opinion of each answer, in the order they were given.

        Clients choose request ids, so an opinion counts for the conversation of the same user only:
        nobody else's is exported because somebody named it.

        Raises:
            StoreUnavailableError: the database cannot be read.
        """
        newest_of_each = select(func.max(FeedbackRow.id)).group_by(
            FeedbackRow.request_id, FeedbackRow.user
        )
        theirs = aliased(ConversationRow)
        newest_talk = select(func.max(theirs.id)).where(
            theirs.request_id == FeedbackRow.request_id, theirs.user == FeedbackRow.user
        )
        page = (
            select(FeedbackRow, ConversationRow)
            .outerjoin(ConversationRow, ConversationRow.id == newest_talk.scalar_subquery())
            .where(FeedbackRow.id.in_(newest_of_each))
            .order_by(FeedbackRow.id)
            .limit(_AT_ONCE)
        )
        seen = 0
        while True:
            async with self._database.transaction() as session:
                rows = (await session.execute(page.where(FeedbackRow.id > seen))).all()
            for opinion, talk in rows:
                seen = opinion.id
                messages = json.loads(talk.messages) if talk else []
                rating: Rating = "up" if opinion.rating == "up" else "down"
                yield Judged(rating, opinion.text, messages, talk.answer if talk else "")
            if len(rows) < _AT_ONCE:
                return
