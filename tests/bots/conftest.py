"""Fixtures of the bots' tests: the real gateway in front of a tiny Llama.

ONBRAND_TEST_MODEL names the folder of another model to put there, such as a brand's merged one.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway_harness import BRAND, SETTINGS, running, wait_ready
from serving.engine.transformers_serve import start_transformers
from serving.gateway.app import create_app


@pytest.fixture(scope="session")
def real_gateway(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    model = Path(os.environ.get("ONBRAND_TEST_MODEL") or tiny_llama)
    with (
        start_transformers(model, tmp_path_factory.mktemp("logs")) as engine,
        running(create_app(SETTINGS, BRAND, engine)) as url,
    ):
        wait_ready(url)
        yield url


@pytest.fixture(scope="session")
def gateway(real_gateway: str) -> str:
    return real_gateway


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Of tests marked with `pytest.mark.anyio`."""
    return "asyncio"
