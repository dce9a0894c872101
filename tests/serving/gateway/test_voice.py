import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_harness import BRAND, SETTINGS
from onbrand.config import Brand
from onbrand.persona import system_prompt
from serving.gateway.schemas import ChatMessage, ChatRequest
from serving.gateway.voice import engine_request, model_name, with_persona

roles = st.sampled_from(["system", "developer", "user", "assistant"])
messages = st.lists(st.builds(ChatMessage, role=roles, content=st.text(max_size=20)), min_size=1)


@pytest.mark.parametrize(
    ("brand", "model"),
    [
        ("Saltmarsh & Sons", "saltmarsh-sons"),
        ("Café Zoë", "cafe-zoe"),
        ("Tapal ٹپال", "tapal"),
        ("چائے والا", "چائے-والا"),
        ("", "onbrand"),
    ],
)
def test_the_model_is_named_after_the_brand(brand: str, model: str) -> None:
    assert model_name(Brand(name=brand)) == model


@given(messages)
def test_there_is_one_system_message_and_the_persona_begins_it(given_: list[ChatMessage]) -> None:
    sent = with_persona(BRAND, given_)

    assert [m["role"] for m in sent].count("system") == 1
    assert sent[0]["content"].startswith(system_prompt(BRAND))
    turns = [(m.role, m.content) for m in given_ if m.role in ("user", "assistant")]
    assert [(m["role"], m["content"]) for m in sent[1:]] == turns
    for message in given_:
        assert any(message.content in m["content"] for m in sent)


def request(**fields: object) -> ChatRequest:
    return ChatRequest.model_validate({"messages": [{"role": "user", "content": "Hi"}], **fields})


def test_defaults_come_from_the_configuration_and_a_request_overrides_them() -> None:
    plain = engine_request(request(), SETTINGS, BRAND)
    assert plain["max_tokens"] == SETTINGS.max_tokens
    assert plain["temperature"] == SETTINGS.temperature
    assert not plain.keys() & {"top_p", "stop", "seed"}

    own = engine_request(
        request(max_completion_tokens=3, temperature=0, top_p=0.5, stop="\n", seed=4),
        SETTINGS,
        BRAND,
    )
    assert own["max_tokens"] == 3
    assert own["temperature"] == 0
    assert (own["top_p"], own["stop"], own["seed"]) == (0.5, ["\n"], 4)
