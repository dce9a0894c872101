"""The engines that tests ask, each started once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.engine.protocol import Engine
from serving.engine.transformers_serve import TransformersEngine
from tests.serving.engine.contenders import await_engine, by_url, fake, real_vllm


@pytest.fixture(scope="session")
def vllm(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    logs = tmp_path_factory.mktemp("vllm")
    with real_vllm(smollm2, logs, max_adapters=1, max_adapter_rank=8) as engine:
        yield engine


@pytest.fixture(scope="session")
def transformers(tiny_engine: TransformersEngine) -> Engine:
    await_engine(tiny_engine)
    return tiny_engine


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    match request.param:
        case "fake":
            with fake() as engine:
                yield engine
        case "remote":
            yield by_url(request.getfixturevalue("vllm"))
        case name:
            yield request.getfixturevalue(name)
