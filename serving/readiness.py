"""Whether the engine answers: true only after it has generated a token."""

import asyncio
from dataclasses import dataclass

from serving.engine_client import EngineClient, EngineError, EngineRefusedError

_PAUSE_SECONDS = 0.5


@dataclass
class Readiness:
    """What `/ready` reports. Requests that find the engine gone set `reason` too."""

    reason: str | None = "The engine has not answered yet."
    """Why not; None when it answers."""
    hopeless: bool = False
    """The engine turned down the probe itself (wrong key, unknown model)."""

    async def watch(self, client: EngineClient) -> None:
        """Probe for as long as the engine is not known to answer; runs until cancelled."""
        while True:
            if self.reason is not None:
                await self._probe(client)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _probe(self, client: EngineClient) -> None:
        try:
            await client.probe()
        except EngineError as error:
            self.reason = str(error)
            self.hopeless = isinstance(error, EngineRefusedError)
        except TimeoutError:
            self.reason = "The engine did not generate one token in time."
        else:
            self.reason = None
            self.hopeless = False
