"""Fixtures of the serving tests: the real gateway in front of a real engine."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway_harness import BRAND, SETTINGS, running, wait_ready
from serving.engine.transformers_serve import TransformersEngine, start_transformers


@pytest.fixture(scope="session")
def merged(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny Llama as `models/merged`, in a place transformers' server could misread.

    What follows an @ it takes for a hub revision. The model's own defaults say "sample", as
    Llama-2-chat's do: a request has to overrule them.
    """
    models = tmp_path_factory.mktemp("brand@home") / "models"
    merged = Path(shutil.copytree(tiny_llama, models / "merged"))
    defaults = merged / "generation_config.json"
    values = json.loads(defaults.read_text())
    defaults.write_text(json.dumps({**values, "do_sample": True, "temperature": 1.5, "top_k": 9}))
    return merged


@pytest.fixture(scope="session")
def tiny_engine(
    merged: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TransformersEngine]:
    with start_transformers(merged, tmp_path_factory.mktemp("logs")) as started:
        yield started


@pytest.fixture(scope="session")
def tiny_gateway(tiny_engine: TransformersEngine) -> Iterator[str]:
    from serving.gateway.app import create_app  # tests of the engines alone do without

    with running(create_app(SETTINGS, BRAND, tiny_engine)) as url:
        wait_ready(url)
        yield url


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Of tests marked with `pytest.mark.anyio`."""
    return "asyncio"
