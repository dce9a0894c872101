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
        """All that the engine may know of ours, by its names."""
        self.loaded: dict[str, str] = {}
        """The engine's name of what answers, by ours."""

    async def bring_about(self, adapters: Sequence[Adapter]) -> None:
        """One round: load what is active, unload what is not; call it again and again.

        What cannot be loaded is tried again after a pause that doubles, up to a minute; what was
        loaded under its name before goes on answering.

        Args:
            adapters: Of the registry, retired ones too.

        Raises:
            httpx.HTTPError: the engine does not answer; what is loaded stays as it was last known,
                or is nothing once a connection was refused.
            ValueError: it answers with something else than OpenAI's format.
        """
        wanted = {adapter.name: adapter for adapter in adapters if adapter.state == "active"}
        self._ours |= {adapter.engine_name for adapter in adapters}
        try:
            present = await self._present()
            for name, engine_name in list(self.loaded.items()):
                # What is gone was lost with an engine that has been started again.
                if name not in wanted or engine_name not in present:
                    del self.loaded[name]
            for name, adapter in wanted.items():
                if adapter.engine_name in present or await self._load(adapter):
                    self.loaded[name] = adapter.engine_name
            for engine_name in present & (self._ours - set(self.loaded.values())):
                await self._unload(engine_name)
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            self.loaded.clear()
            raise

    async def _present(self) -> set[str]:
        response = (await self._http.get("models", timeout=_LIST_SECONDS)).raise_for_status()
        try:
            return {str(model["id"]) for model in response.json()["data"]}
        except (LookupError, TypeError) as error:
            raise ValueError("no list of models in OpenAI's format") from error

    async def _unload(self, engine_name: str) -> None:
        body = {"lora_name": engine_name}
        response = await self._http.post("unload_lora_adapter", json=body, timeout=_LIST_SECONDS)
        if response.is_success:
            _log.info("Adapter %s is unloaded.", engine_name)

    async def _load(self, adapter: Adapter) -> bool:
        """Whether it is loaded now; nothing is tried before its time."""
        name, before = adapter.engine_name, self._failures.get(adapter.engine_name)
        if before and self._clock() < before.again_at:
            return False
        body = {"lora_name": name, "lora_path": adapter.folder}
        response = await self._http.post("load_lora_adapter", json=body, timeout=_LOAD_SECONDS)
        if response.is_success:
            self._failures.pop(name, None)
            _log.info("Adapter %s is loaded.", name)
            return True
        pause = min(before.pause * 2, _LONGEST_PAUSE) if before else _FIRST_PAUSE
        self._failures[name] = _Failure(pause, self._clock() + pause)
        if not before:
            _log.warning("Adapter %s cannot be loaded: %s", name, response.text[:300])
        return False
