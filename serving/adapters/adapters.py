"""The adapters of a running gateway: loaded as the registry says, and chosen among."""

import asyncio
import logging
from pathlib import Path

import httpx

from onbrand.artifact import read_manifest
from onbrand.errors import OnbrandError
from serving.adapters.choice import choose
from serving.adapters.registry import Adapter, Registry, read_registry
from serving.adapters.sync import AdapterSync
from serving.engine.client import EngineClient

_PAUSE_SECONDS = 1.0
_log = logging.getLogger("onbrand.adapters")


class Adapters:
    """Follows the registry's file, without a restart.

    Args:
        path: `models/adapters.json`, beside the merged model that the engine was started with.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        merged = read_manifest(path.parent / "merged")
        self._base = merged.output_hash if merged else ""
        self._registry = Registry()
        self._read_at: tuple[int, int, int] | None = None
        self._sync: AdapterSync | None = None
        self._said: set[str] = set()

    def names(self) -> list[str]:
        """Those that can be asked for by name."""
        return [adapter.name for adapter in self._offered()]

    def choose(self, user: str, request_id: str) -> str | None:
        """The adapter that answers; None: the model without one. The same for all of a user's."""
        weighed = [(adapter.name, adapter.weight) for adapter in self._offered()]
        weights = [("", self._registry.base_weight), *weighed]
        if not any(weight for _, weight in weighed):
            return None
        return choose(weights, user or request_id) or None

    async def run(self, client: EngineClient) -> None:
        """Load and unload as the registry says, until cancelled."""
        key = client.engine.api_key
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with httpx.AsyncClient(
            base_url=client.engine.base_url, headers=headers, trust_env=False
        ) as http:
            self._sync = AdapterSync(http)
            client.names = self._sync.loaded
            while True:
                await self._round(self._sync)
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _round(self, sync: AdapterSync) -> None:
        try:
            self._read_again()
            if self._registry.adapters or sync.loaded:
                fitting = [adapter for adapter in self._registry.adapters if self._fits(adapter)]
                await sync.bring_about(fitting)
        except OnbrandError as error:
            self._say_once(str(error))
        except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.TimeoutException):
            pass  # the supervisor says what is wrong with the engine
        except (httpx.HTTPError, ValueError) as error:
            self._say_once(f"The engine's adapters cannot be listed or changed: {error}.")

    def _offered(self) -> list[Adapter]:
        """Active, and loaded: as the registry says, or as it said before."""
        loaded = self._sync.loaded if self._sync else {}
        return [adapter for adapter in self._registry.active() if adapter.name in loaded]

    def _read_again(self) -> None:
        """Read the file if it has changed; one that cannot be read changes nothing."""
        try:
            stat = self._path.stat()
            found = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except FileNotFoundError:
            found = (0, 0, 0)
        if found != self._read_at:
            self._read_at = found
            self._registry = read_registry(self._path)

    def _fits(self, adapter: Adapter) -> bool:
        if adapter.base == self._base:
            return True
        self._say_once(
            f"Adapter {adapter.name} was added for another merged model than is served; add it "
            "again, or start `onbrand serve` again."
        )
        return False

    def _say_once(self, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            _log.warning("%s", what)
