"""Keep the engine answering: ask it for a token, and start it again when it died or fell silent."""

import asyncio
import logging
from dataclasses import dataclass
from time import monotonic

from onbrand.errors import OnbrandError
from serving.engine.client import (
    EngineBusyError,
    EngineClient,
    EngineError,
    EngineRefusedError,
    EngineUnreachableError,
)
from serving.engine.local import LocalEngine
from serving.engine.readiness import Readiness

_log = logging.getLogger("onbrand.engine")


@dataclass(frozen=True)
class Patience:
    """When to ask, when to act; seconds."""

    pause: float = 0.25
    """Between two looks at the process."""
    quiet: float = 15.0
    """Without a word from an engine that is ready, before it is asked for a token."""
    first_delay: float = 0.5
    """Before the first of several starts in a row; doubled each time."""
    longest_delay: float = 30.0
    healthy: float = 60.0
    """Time it has to stay ready until what was before is forgotten."""
    failed_probes: int = 3
    """Failures in a row (HTTP 500, nonsense) after which a running engine is started again."""
    failed_starts: int = 3
    """Starts in a row without ever having been ready after which there is no hope."""

    def delay(self, starts: int) -> float:
        """Before the start that is the `starts`-th in a row, the first being 1; seconds."""
        # Beyond 2**10 it is the cap anyway, and floats end.
        return min(self.first_delay * 2.0 ** min(starts - 1, 10), self.longest_delay)


class Supervisor:
    """Watches one engine and writes what it sees into a `Readiness`.

    An engine elsewhere is only asked. One that runs here is started again when its process ends,
    when its probes fail time and again, or when nothing at all came from it for the whole of
    `client.timeout_seconds` although it was asked: by then every request has failed too. An engine
    that is busy with others' answers is heard of, so that a probe that waits behind them is no
    reason to kill it.
    """

    def __init__(
        self, client: EngineClient, readiness: Readiness, patience: Patience | None = None
    ) -> None:
        self._client = client
        self._engine = client.engine if isinstance(client.engine, LocalEngine) else None
        self._readiness = readiness
        self._patience = patience or Patience()
        self._starts = 0  # in a row, without a healthy time between them
        self._failed_probes = 0
        self._busy_until = 0.0
        self._ready_since: float | None = None
        readiness.ours = self._engine is not None

    async def run(self) -> None:
        """Watch until cancelled, or until an engine of ours is hopeless."""
        while not (self._engine and self._readiness.hopeless):
            if ended := self._ended():
                await self._start_again(ended)
            elif self._due():
                await self._probe()
            if self._engine:
                self._engine.bound_log()
            await asyncio.sleep(self._patience.pause)

    def _ended(self) -> str | None:
        return self._engine.failure() if self._engine else None

    def _due(self) -> bool:
        """Whether to ask: it is not ready or was quiet for long, and did not say to wait."""
        quiet = monotonic() - self._client.heard_at > self._patience.quiet
        return monotonic() >= self._busy_until and (self._readiness.reason is not None or quiet)

    async def _probe(self) -> None:
        """Ask for a token, and act on what comes of it."""
        asked_at = monotonic()
        try:
            await self._token()
        except EngineRefusedError as error:
            self._readiness.reason = str(error)
            self._readiness.hopeless = not self._readiness.was_ready
        except EngineBusyError as error:
            # No failure: it is there. One that is ready stays so, since it answers others.
            self._busy_until = monotonic() + error.retry_after
            if self._readiness.reason is not None:
                self._readiness.reason = str(error)
        except EngineUnreachableError as error:
            await self._failed(self._still_loading() or str(error), asked_at)
        except EngineError as error:
            await self._failed(str(error), asked_at)
        except TimeoutError:
            if self._client.heard_at < asked_at:
                await self._silent()
        else:
            self._failed_probes = 0
            self._ready_since = self._ready_since or monotonic()
            self._readiness.reason = None
            self._readiness.hopeless = False
            self._readiness.was_ready = True

    async def _token(self) -> None:
        """A probe; given up as soon as the process ends.

        A child of the dead process may still hold the connection open without ever answering.
        """
        probing = asyncio.create_task(self._client.probe())
        deadline = monotonic() + self._client.timeout_seconds
        try:
            while not probing.done() and not self._ended():
                if monotonic() > deadline:
                    raise TimeoutError
                await asyncio.wait({probing}, timeout=self._patience.pause)
            if not probing.done():
                raise EngineError("The engine ended while it was asked for a token.")
            await probing
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)

    def _still_loading(self) -> str | None:
        """What a process that never listened yet is at."""
        if self._engine is None or self._ready_since is not None or self._ended():
            return None
        line = self._engine.progress()
        return f"The engine is loading ({line})." if line else "The engine is loading."

    async def _failed(self, reason: str, asked_at: float) -> None:
        self._readiness.reason = reason
        heard = self._client.heard_at > asked_at
        loading = self._still_loading() == reason
        if self._engine and not (heard or loading or self._ended()):
            self._failed_probes += 1
            if self._failed_probes >= self._patience.failed_probes:
                await self._start_again(reason)

    async def _silent(self) -> None:
        seconds = self._client.timeout_seconds
        reason = f"The engine did not generate one token in {seconds:g} seconds."
        self._readiness.reason = reason
        if self._engine:
            await self._start_again(reason)

    async def _start_again(self, reason: str) -> None:
        """Start the engine after a while that grows with each start in a row."""
        assert self._engine is not None  # noqa: S101
        self._readiness.reason = reason
        # At once: what is left of it must not take new requests, nor hold memory.
        await asyncio.to_thread(self._engine.stop)
        since, self._ready_since = self._ready_since, None
        if since is not None and monotonic() - since >= self._patience.healthy:
            self._starts = 0
        self._starts += 1
        self._failed_probes, self._busy_until = 0, 0.0
        if not self._readiness.was_ready and self._starts >= self._patience.failed_starts:
            self._readiness.hopeless = True
            return
        delay = self._patience.delay(self._starts)
        _log.warning("%s It is started again in %g s.", reason, delay)
        await asyncio.sleep(delay)
        try:
            await asyncio.to_thread(self._engine.start)
        except OnbrandError as error:
            self._readiness.reason = str(error)
        self._readiness.restarts += 1
        # Nothing that the old one said counts for the new one.
        self._client.heard_at = monotonic()
