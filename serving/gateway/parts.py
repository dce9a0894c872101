"""What a gateway may have beside its engine; each may be missing, and the rest still works."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace
from serving.adapters.adapters import Adapters
from serving.adapters.registry import registry_path
from serving.gateway.answer_cache import AnswerCache
from serving.limits.configured import open_counters
from serving.limits.memory import MemoryCounters
from serving.limits.quota import Quota
from serving.metrics import Metrics
from serving.store.keys import Keys
from serving.store.store import Store, open_store

_log = logging.getLogger("onbrand.gateway")


@dataclass(frozen=True)
class Parts:
    """The parts of one gateway."""

    metrics: Metrics = field(default_factory=Metrics)
    cache: AnswerCache = field(default_factory=lambda: AnswerCache(MemoryCounters(), Metrics(), 0))
    store: Store | None = None
    quota: Quota | None = None
    adapters: Adapters | None = None
    workspace: Workspace | None = None
    """For batches, which need the store too."""

    def keys(self) -> Keys:
        """The keys; a gateway that asks for keys has a store.

        Raises:
            OnbrandError: it has none.
        """
        if self.store is None:
            raise OnbrandError("serving.require_key needs the store, which was not opened.")
        return self.store.keys

    def background(self) -> list[Coroutine[Any, Any, None]]:
        """Work that goes on as long as the gateway does."""
        return [self.store.run()] if self.store else []


@asynccontextmanager
async def open_parts(workspace: Workspace) -> AsyncIterator[Parts]:
    """The parts that `brand.toml` asks for.

    Raises:
        UsageError: a setting that cannot be right.
        OnbrandError: the store cannot be opened.
    """
    config = workspace.config
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        counters = await stack.enter_async_context(
            open_counters(config.limits, partial(metrics.part, "redis"))
        )
        store = await stack.enter_async_context(open_store(workspace))
        cache = AnswerCache(counters, metrics, config.serving.cache_seconds)
        adapters = Adapters(registry_path(workspace)) if config.serving.engine == "vllm" else None
        yield Parts(metrics, cache, store, Quota(config.limits, counters), adapters, workspace)


@asynccontextmanager
async def in_background(work: list[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run coroutines for the length of the block; each is given the chance to finish its last."""
    tasks = [asyncio.create_task(one) for one in work]
    for task in tasks:
        task.add_done_callback(_say_if_it_failed)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _say_if_it_failed(task: "asyncio.Task[None]") -> None:
    """What goes on in the background ends with the gateway; all else is a fault of ours."""
    if not task.cancelled() and (error := task.exception()):
        _log.error("Work in the background ended: %r", error, exc_info=error)
