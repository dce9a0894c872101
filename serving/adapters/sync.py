"""The adapters that an engine has loaded, made to be those that are wanted."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from serving.adapters.registry import Adapter

_LIST_SECONDS, _LOAD_SECONDS = 10.0, 120.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_log = logging.getLogger("onbrand.adapters")


@dataclass
class _Failure:
    """An adapter that could not be loaded."""

    folder: str
    pause: float
    """Until the next try, seconds."""
    again_at: float


class AdapterSync:
    """Loads and unloads adapters of a running vLLM.

    Source: https://docs.vllm.ai/en/stable/features/lora/#dynamically-serving-lora-adapters

    Args:
        http: With the engine's base URL, up to and with `/v1`, and its key.
        clock: Seconds that never run backwards.
    """

    def __init__(
        self, http: httpx.AsyncClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = http
        self._clock = clock
        self._failures: dict[str, _Failure] = {}
        self._ours: set[str] = set()
        self.loaded: dict[str, str] = {}
        """Folder by name."""

    async def bring_about(self, adapters: Sequence[Adapter]) -> None:
        """One round: load what is active, unload what is not; call it again and again.

        What cannot be loaded is tried again after a pause that doubles, up to a minute.

        Args:
            adapters: Of the registry, retired ones too.

        Raises:
            httpx.HTTPError: the engine does not answer; what is loaded stays as it was last known,
                or is nothing once a connection was refused.
            ValueError: it answers with something else than OpenAI's format.
        """
        wanted = {adapter.name: adapter for adapter in adapters if adapter.state == "active"}
        self._ours |= {adapter.name for adapter in adapters}
        try:
            present = await self._present()
            # What is gone was lost with an engine that has been started again.
            for name in self.loaded.keys() - present:
                del self.loaded[name]
            for name in present & (self._ours - wanted.keys()):
                await self._unload(name)
            for adapter in wanted.values():
                if self.loaded.get(adapter.name) != adapter.folder and self._is_due(adapter):
                    await self._load(adapter)
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            self.loaded.clear()
            raise

    async def _present(self) -> set[str]:
        response = (await self._http.get("models", timeout=_LIST_SECONDS)).raise_for_status()
        try:
            return {str(model["id"]) for model in response.json()["data"]}
        except (LookupError, TypeError) as error:
            raise ValueError("no list of models in OpenAI's format") from error

    async def _unload(self, name: str) -> None:
        self.loaded.pop(name, None)  # first: nobody new is to be sent there
        body = {"lora_name": name}
        response = await self._http.post("unload_lora_adapter", json=body, timeout=_LIST_SECONDS)
        if response.is_success:
            _log.info("Adapter %s is unloaded.", name)

    def _is_due(self, adapter: Adapter) -> bool:
        failure = self._failures.get(adapter.name)
        return (
            failure is None or failure.folder != adapter.folder or self._clock() >= failure.again_at
        )

    async def _load(self, adapter: Adapter) -> None:
        name, folder = adapter.name, adapter.folder
        body = {"lora_name": name, "lora_path": folder, "load_inplace": True}
        response = await self._http.post("load_lora_adapter", json=body, timeout=_LOAD_SECONDS)
        if response.is_success:
            self.loaded[name] = folder
            self._failures.pop(name, None)
            _log.info("Adapter %s is loaded.", name)
            return
        before = self._failures.get(name)
        again = before is not None and before.folder == folder
        pause = min(before.pause * 2, _LONGEST_PAUSE) if before and again else _FIRST_PAUSE
        self._failures[name] = _Failure(folder, pause, self._clock() + pause)
        if not again:
            _log.warning("Adapter %s cannot be loaded: %s", name, response.text[:300])
