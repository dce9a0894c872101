"""The gateway in front of transformers' own server, with a tiny random Llama."""

import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from serving.engine.transformers_serve import TransformersEngine, start_transformers

QUESTION: list[Any] = [{"role": "user", "content": "marker-of-the-prompt"}]


@pytest.fixture
def openai(tiny_gateway: str) -> OpenAI:
    http = httpx.Client(trust_env=False)
    return OpenAI(base_url=f"{tiny_gateway}/v1", api_key="unused", http_client=http, max_retries=0)


def ask(openai: OpenAI, **fields: Any) -> str:
    asked = {"model": "saltmarsh-sons", "messages": QUESTION, "temperature": 0, **fields}
    answer = openai.chat.completions.create(**asked)
    return str(answer.choices[0].message.content)


def test_openais_client_reads_whole_and_streamed_answers_alike(openai: OpenAI) -> None:
    assert [model.id for model in openai.models.list()] == ["saltmarsh-sons"]
    whole = openai.chat.completions.create(
        model="saltmarsh-sons", messages=QUESTION, temperature=0, max_tokens=6
    )
    chunks = list(
        openai.chat.completions.create(
            model="saltmarsh-sons", messages=QUESTION, temperature=0, max_tokens=6, stream=True
        )
    )

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content != ""
    assert whole.choices[0].finish_reason == chunks[-1].choices[0].finish_reason == "length"
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 6


def test_a_temperature_samples_and_none_does_not(openai: OpenAI) -> None:
    assert ask(openai) == ask(openai)
    assert ask(openai, temperature=1.5) != ask(openai, temperature=1.5)
    assert ask(openai, temperature=1.5, seed=7) == ask(openai, temperature=1.5, seed=7)


def test_the_default_length_is_the_configured_one(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(model="saltmarsh-sons", messages=QUESTION)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 8


def test_an_answer_ends_before_its_stop_text(openai: OpenAI) -> None:
    text = ask(openai, max_tokens=8)
    assert ask(openai, max_tokens=8, stop=text[3:5]) == text[: text.index(text[3:5])]


def test_nothing_that_was_said_is_in_the_engines_log(
    openai: OpenAI, tiny_engine: TransformersEngine
) -> None:
    text = ask(openai, max_tokens=8)
    log = tiny_engine._process.log.read_text()
    assert "Loading" in log
    assert "marker-of-the-prompt" not in log
    assert text not in log


def test_an_engine_that_cannot_load_says_why(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{not json")
    with start_transformers(model, tmp_path / "logs") as engine:
        deadline = time.monotonic() + 60
        while (failure := engine.failure()) is None and time.monotonic() < deadline:
            time.sleep(0.1)

    assert failure is not None
    assert "left with code 1" in failure
    assert "not a valid JSON file" in failure
    assert "logs/engine.log" in failure


def test_leaving_the_block_ends_the_engine(merged: Path, tmp_path: Path) -> None:
    with start_transformers(merged, tmp_path) as engine:
        assert engine.failure() is None
    with pytest.raises(ProcessLookupError):
        os.kill(engine.pid, 0)
