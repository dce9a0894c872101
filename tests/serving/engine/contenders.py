"""The engines that keep one contract, and how a test talks to each."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from gateway_harness import MisbehavingEngine, running
from onbrand.config import Vllm
from serving.engine.client import EngineClient, EngineError, connect
from serving.engine.delta import Usage
from serving.engine.protocol import Engine, RemoteEngine
from serving.engine.vllm_server import start_vllm

T = TypeVar("T")
ROOT = Path(__file__).parents[3]
VLLM_PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
CONTEXT_TOKENS = 1024
PROMPTS = [
    "The capital of France is",
    "Write a Facebook post.",
    "Tell me about sea salt.",
    "What do you sell?",
    "Say hello in two languages.",
    "List three colours.",
    "Who are you?",
    "How much is 2 + 2?",
    "Write a text for our website.",
    "Give me an emoji.",
    "Translate to French: good morning.",
    "What is the opposite of hot?",
    "Name a fruit.",
    "آپ کیا بیچتے ہیں؟",
    "Why is the sky blue?",
    "Write one line about tea.",
    "Which day follows Monday?",
    "Spell the word café.",
    "Count to five.",
    "Say goodbye politely.",
]


@dataclass
class Reply:
    text: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None


async def reply(client: EngineClient, content: str = "Hello", **fields: Any) -> Reply:
    """The whole of a streamed answer, asked for as the gateway asks."""
    said = Reply()
    asked = {
        "messages": [{"role": "user", "content": content}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.0,
        "max_tokens": 8,
        **fields,
    }
    async for delta in client.stream(asked):
        said.text += delta.text
        said.finish_reason = delta.finish_reason or said.finish_reason
        said.usage = delta.usage or said.usage
    return said


def with_client(engine: Engine, work: Callable[[EngineClient], Awaitable[T]]) -> T:
    async def scenario() -> T:
        async with connect(engine, 120) as client:
            return await work(client)

    return asyncio.run(scenario())


def raw(engine: Engine) -> httpx.Client:
    key = {"Authorization": f"Bearer {engine.api_key or 'none'}"}
    return httpx.Client(base_url=engine.base_url, headers=key, timeout=120, trust_env=False)


def ask(engine: Engine, content: str = "Hello", **fields: Any) -> Reply:
    return with_client(engine, lambda client: reply(client, content, **fields))


def await_engine(engine: Engine, seconds: float = 400) -> None:
    """Return when it has generated a token. vLLM takes minutes on a machine that is busy."""

    async def probed(client: EngineClient) -> None:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    return await client.probe()
                except EngineError:
                    assert engine.failure() is None, engine.failure()
                    await asyncio.sleep(0.2)

    with_client(engine, probed)


@contextmanager
def real_vllm(model: Path, logs: Path, **settings: Any) -> Iterator[Engine]:
    """vLLM on the CPU, ready; skips where `make vllm-cpu` has not been run."""
    if not VLLM_PYTHON.exists():
        pytest.skip("vLLM's environment is not built: make vllm-cpu")
    # Cores that other tests use too must not be bound to it; compiling takes longer than it saves.
    os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    chosen = Vllm(
        python=str(VLLM_PYTHON), dtype="float32", arguments=["--enforce-eager"], **settings
    )
    with start_vllm(model, logs, chosen, CONTEXT_TOKENS) as engine:
        await_engine(engine)
        yield engine


@contextmanager
def fake() -> Iterator[RemoteEngine]:
    with running(MisbehavingEngine(pause=0.02).app()) as url:
        yield RemoteEngine(f"{url}/v1")


def save_random_adapter(base: Path, folder: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    torch.manual_seed(0)
    for name, weight in model.named_parameters():
        if "lora_B" in name:  # zero at first: an adapter without effect
            torch.nn.init.normal_(weight, std=0.5)
    model.save_pretrained(folder)


def by_url(engine: Engine) -> RemoteEngine:
    """The same server as one that somebody else runs: only an address and a key."""
    return RemoteEngine(engine.base_url, api_key=engine.api_key)
