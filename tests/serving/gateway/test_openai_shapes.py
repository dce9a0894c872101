"""Fields that OpenAI's schema requires even where they are empty, and HTTP's own."""

import json
from collections.abc import Iterator
from typing import get_type_hints

import httpx
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

from gateway_harness import BRAND, SETTINGS, MisbehavingEngine, running, wait_ready
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app

CHAT = "/v1/chat/completions"
QUESTION = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running(MisbehavingEngine().app()) as engine_url:
        app = create_app(SETTINGS, BRAND, RemoteEngine(f"{engine_url}/v1"))
        with running(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
            wait_ready(url)
            yield client


def test_a_whole_answer_has_every_field_that_the_schema_requires(client: httpx.Client) -> None:
    (choice,) = client.post(CHAT, json=QUESTION).json()["choices"]
    assert set(choice) == {"index", "message", "logprobs", "finish_reason"}
    assert choice["logprobs"] is None
    assert set(choice["message"]) == {"role", "content", "refusal"}
    assert choice["message"]["refusal"] is None


@pytest.mark.parametrize("with_usage", [True, False])
def test_usage_is_null_in_all_events_but_its_own(client: httpx.Client, with_usage: bool) -> None:
    options = {"stream": True, "stream_options": {"include_usage": with_usage}}
    lines = client.post(CHAT, json={**QUESTION, **options}).text.split("\n\n")
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    if not with_usage:
        assert not any("usage" in event for event in events)
        return
    *others, last = events
    assert {event.get("usage", "missing") for event in others} == {None}
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 0


def test_a_method_that_is_not_allowed_is_told_which_are(client: httpx.Client) -> None:
    refused = client.get(CHAT)
    assert refused.status_code == 405
    assert refused.headers["Allow"] == "POST"
    assert refused.json()["error"]["code"] == "method_not_allowed"


def test_one_model_is_told_by_its_name(client: httpx.Client) -> None:
    (listed,) = client.get("/v1/models").json()["data"]
    assert client.get(f"/v1/models/{listed['id']}").json() == listed
    refused = client.get("/v1/models/gpt-99")
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    "usual",
    [
        {"logit_bias": {}},
        {"modalities": ["text"]},
        {"tool_choice": "none"},
        {"parallel_tool_calls": True},
        {"top_logprobs": 0},
        {"stream_options": {"include_usage": None}},
        {"prompt_cache_retention": "24h", "prompt_cache_options": {"mode": "implicit"}},
    ],
)
def test_what_asks_for_nothing_unusual_is_taken(
    client: httpx.Client, usual: dict[str, object]
) -> None:
    assert client.post(CHAT, json={**QUESTION, **usual}).status_code == 200


def test_a_field_that_may_be_null_may_be_null(client: httpx.Client) -> None:
    fields = set(get_type_hints(CompletionCreateParamsNonStreaming)) - {"messages"}
    assert {"stream", "stop", "prompt_cache_retention"} <= fields
    response = client.post(CHAT, json={**QUESTION, **dict.fromkeys(fields)})
    assert response.status_code == 200, response.text
    assert response.json()["object"] == "chat.completion"


@pytest.mark.parametrize("part", [{"text": None}, {"text": 5}, {}])
def test_the_text_of_a_part_is_a_text(client: httpx.Client, part: dict[str, object]) -> None:
    messages = [{"role": "user", "content": [{"type": "text", **part}]}]
    refused = client.post(CHAT, json={"messages": messages})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "messages.0.content"


def test_four_texts_may_end_an_answer(client: httpx.Client) -> None:
    texts = ["salt", "pepper", "tea", "sugar"]
    assert client.post(CHAT, json={**QUESTION, "stop": texts}).status_code == 200
    for more in ([*texts, "milk"], texts * 20_000):
        refused = client.post(CHAT, json={**QUESTION, "stop": more})
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] == "stop"


def test_an_assistants_turn_may_be_without_words(client: httpx.Client) -> None:
    turns = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": None}]
    again = {"messages": [*turns, {"role": "user", "content": "Are you there?"}]}
    assert client.post(CHAT, json=again).status_code == 200
    silent = {"messages": [{"role": "user", "content": None}]}
    assert client.post(CHAT, json=silent).status_code == 400
