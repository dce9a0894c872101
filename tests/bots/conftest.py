"""Fixtures of the bots' tests: the real gateway in front of a tiny Llama."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway_harness import BRAND, SETTINGS, running, wait_ready
from serving.gateway import create_app
from serving.transformers_engine import start_transformers


@pytest.fixture(scope="session")
def gateway(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with (
        start_transformers(tiny_llama, tmp_path_factory.mktemp("logs")) as engine,
        running(create_app(SETTINGS, BRAND, engine)) as url,
    ):
        wait_ready(url)
        yield url
