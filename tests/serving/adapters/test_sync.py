import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway_harness import free_port, running
from serving.adapters.registry import Adapter
from serving.adapters.sync import AdapterSync
from tests.serving.adapters.lora_engine import LoraEngine

pytestmark = pytest.mark.anyio


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def engine() -> LoraEngine:
    return LoraEngine()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sync(engine: LoraEngine, clock: Clock) -> AsyncIterator[AdapterSync]:
    with running(engine.app()) as url:
        async with httpx.AsyncClient(base_url=f"{url}/v1", trust_env=False) as http:
            yield AdapterSync(http, clock)


def adapter(name: str, folder: Path, **values: str) -> Adapter:
    fields = {"source": "", "base": "", "weight": 1, **values}
    return Adapter.model_validate({"name": name, "folder": str(folder), **fields})


async def test_what_is_active_is_loaded_and_what_is_retired_unloaded(
    sync: AdapterSync, engine: LoraEngine, tmp_path: Path
) -> None:
    one, two = adapter("one", tmp_path), adapter("two", tmp_path)
    for _ in range(3):
        await sync.bring_about([one, two])
    names = {"one": one.engine_name, "two": two.engine_name}
    assert sync.loaded == names
    assert engine.adapters == dict.fromkeys(names.values(), str(tmp_path))
    await sync.bring_about([one, adapter("two", tmp_path, state="retired")])
    assert sync.loaded == {"one": one.engine_name}
    assert engine.adapters == {one.engine_name: str(tmp_path)}
    await sync.bring_about([])
    assert sync.loaded == engine.adapters == {}
    assert engine.calls == [
        *(("load", each) for each in names.values()),
        ("unload", two.engine_name),
        ("unload", one.engine_name),
    ]


async def test_all_is_loaded_again_after_the_engine_was_started_again(
    sync: AdapterSync, engine: LoraEngine, tmp_path: Path
) -> None:
    one = adapter("one", tmp_path)
    await sync.bring_about([one])
    engine.start_again()
    await sync.bring_about([one])
    assert sync.loaded == {"one": one.engine_name}
    assert engine.adapters == {one.engine_name: str(tmp_path)}


async def test_a_new_folder_replaces_the_old_one_once_it_is_loaded(
    sync: AdapterSync, engine: LoraEngine, clock: Clock, tmp_path: Path
) -> None:
    old, new = adapter("one", tmp_path), adapter("one", tmp_path / "new")
    await sync.bring_about([old])
    await sync.bring_about([new])
    assert sync.loaded == {"one": old.engine_name}  # there is no such folder yet
    assert engine.adapters == {old.engine_name: str(tmp_path)}
    (tmp_path / "new").mkdir()
    clock.now += 1
    await sync.bring_about([new])
    assert sync.loaded == {"one": new.engine_name}
    assert engine.adapters == {new.engine_name: str(tmp_path / "new")}


async def test_other_peoples_adapters_are_left_alone(
    sync: AdapterSync, engine: LoraEngine, tmp_path: Path
) -> None:
    engine.adapters["theirs"] = str(tmp_path)
    await sync.bring_about([adapter("one", tmp_path)])
    await sync.bring_about([])
    assert engine.adapters == {"theirs": str(tmp_path)}


async def test_a_failure_is_told_once_tried_again_ever_later_and_stops_no_other(
    sync: AdapterSync,
    engine: LoraEngine,
    clock: Clock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "onbrand.adapters")
    bad, good = adapter("bad", tmp_path / "later"), adapter("good", tmp_path)
    tries = []
    for second in range(200):
        clock.now = second
        before = engine.calls.count(("load", bad.engine_name))
        await sync.bring_about([bad, good])
        if engine.calls.count(("load", bad.engine_name)) > before:
            tries.append(second)
    assert sync.loaded == {"good": good.engine_name}
    assert tries == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    assert caplog.text.count("Adapter bad@later cannot be loaded") == 1
    (tmp_path / "later").mkdir()
    clock.now += 60
    await sync.bring_about([bad, good])
    assert "bad" in sync.loaded


async def test_nothing_is_offered_while_nobody_answers(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        sync = AdapterSync(http)
        sync.loaded["one"] = "one@v1"
        with pytest.raises(httpx.ConnectError):
            await sync.bring_about([adapter("one", tmp_path)])
        assert sync.loaded == {}


@pytest.mark.parametrize("listing", [{}, [], {"data": [{"name": "x"}]}, {"data": 3}, "text"])
async def test_nonsense_is_an_error_not_a_crash(
    sync: AdapterSync, engine: LoraEngine, tmp_path: Path, listing: object
) -> None:
    engine.listing = listing
    with pytest.raises(ValueError, match="no list of models"):
        await sync.bring_about([adapter("one", tmp_path)])
