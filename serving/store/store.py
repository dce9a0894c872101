"""The store as the gateway and the command line see it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from onbrand.workspace import Workspace
from serving.store.database import Database, StoreUnavailableError, open_database
from serving.store.feedback import FeedbackLog
from serving.store.journal import Journal
from serving.store.keys import Keys
from serving.store.personal import PersonalData
from serving.store.records import ConversationLog, UsageLog
from serving.store.writing import write_notes

_HOUR_SECONDS = 3600
_log = logging.getLogger("onbrand.store")


class Store:
    """Keys, usage, conversations, feedback."""

    def __init__(self, workspace: Workspace, database: Database) -> None:
        settings = workspace.config.store
        folder = workspace.root / "logs" / "journal"
        self.database = database
        self.journal = Journal(folder, database, write_notes)
        self.keys = Keys(database, self.journal)
        self.usage = UsageLog(self.journal, wanted=settings.usage)
        self.conversations = ConversationLog(self.journal, wanted=settings.conversations)
        self.feedback = FeedbackLog(database)
        self.personal = PersonalData(database, folder)
        self._retention_days = settings.retention_days

    async def run(self) -> None:
        """Write notes and delete what is too old, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.journal.run())
            group.create_task(self._retain())

    async def _retain(self) -> None:
        while True:
            try:
                counts = await self.personal.enforce_retention(self._retention_days)
                if any(counts.values()):
                    _log.info("Deleted by age: %s", counts)
            except Exception as error:
                # A failure here must not end the writing of notes; the next hour tries again.
                expected = isinstance(error, StoreUnavailableError)
                _log.warning("%s Nothing was deleted by age.", error, exc_info=not expected)
            await asyncio.sleep(_HOUR_SECONDS)


@asynccontextmanager
async def open_store(workspace: Workspace) -> AsyncIterator[Store]:
    """The store of a workspace.

    Raises:
        UsageError: `store.url` cannot be right.
        OnbrandError: the database cannot be opened.
    """
    async with open_database(workspace) as database:
        yield Store(workspace, database)
