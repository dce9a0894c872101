"""The parts of batches, put together for one gateway."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from onbrand.workspace import Workspace
from serving.batches.broker import Messages, broker_url
from serving.batches.embedded import Embedded
from serving.batches.files import Files
from serving.batches.hand import Answer, Hand
from serving.batches.housekeeping import Housekeeping
from serving.batches.jobs import Jobs
from serving.batches.preparing import Bounds
from serving.store.database import Database


@dataclass(frozen=True)
class Batches:
    """What the routes need (`app.state.batches`), and the work behind them."""

    files: Files
    jobs: Jobs
    max_file_bytes: int
    housekeeping: Housekeeping
    embedded: Embedded | None
    """None where workers behind a broker ask the lines."""

    async def run(self) -> None:
        """Work on batches until cancelled; run it as long as the gateway serves."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.housekeeping.run())
            if self.embedded:
                group.create_task(self.embedded.run())

    def wake(self) -> None:
        """Look at the batches now, not only with the next round."""
        self.housekeeping.woken.set()


def make_batches(
    workspace: Workspace,
    database: Database,
    answer: Answer,
    finished: Callable[[Counter[str]], None] = lambda outcomes: None,
) -> Batches:
    """The batches of a workspace.

    Args:
        workspace: Its `[batches]` says where lines are asked, and how many at once.
        database: The store's; it has to outlive `run`.
        answer: Answers a line in this process; not called where a broker is configured.
        finished: Told of each batch that is over how many of its lines were done, failed, unasked.

    Raises:
        UsageError: the broker's URL cannot be right.
    """
    settings = workspace.config.batches
    url = broker_url(workspace)
    embedded = None if url else Embedded(Hand(database, answer), settings.concurrency)
    files = Files(database, settings.keep_days)
    bounds = Bounds(settings.max_requests, workspace.config.serving.max_body_kb * 1000)
    housekeeping = Housekeeping(
        database, files, bounds, embedded or Messages(url), settings.keep_days, finished
    )
    return Batches(files, Jobs(database), settings.max_file_mb * 1_000_000, housekeeping, embedded)
