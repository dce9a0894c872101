import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from transformers import PreTrainedTokenizerFast

from eval.half_split import Item, half_split
from eval.held_out import HeldOutText
from eval.models.chat_client import ChatClient
from eval.models.model import Sampling
from eval.models.served import KEY_VARIABLE, ServedModel, continuation
from onbrand.config import Brand
from onbrand.errors import OnbrandError, UsageError
from tests.eval.chat_server import Answer, ChatServer, running_chat_server
from tests.gateway_harness import free_port

PATIENCE = 30.0


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with running_chat_server() as server:
        yield server


@pytest.fixture
def items(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> list[Item]:
    rows = [HeldOutText(str(n), "facebook", "", text) for n, text in enumerate(texts[:6])]
    return half_split(rows, tokenizer, Brand(name="Saltair"), 256).items


def served(url: str, tokenizer: PreTrainedTokenizerFast, patience: float = PATIENCE) -> ServedModel:
    return ServedModel("x", ChatClient(url, KEY_VARIABLE, patience), "h", tokenizer, "Be warm.")


def test_it_is_asked_in_words_and_cut_to_the_real_length(
    server: ChatServer, tokenizer: PreTrainedTokenizerFast, items: list[Item]
) -> None:
    server.answer = lambda request, count: Answer("the kettle is warm " * 60)
    found = served(server.url, tokenizer).greedy(items)
    for item, greedy in zip(items, found, strict=True):
        assert len(tokenizer(greedy.exact)["input_ids"]) == len(item.second_ids)
        assert greedy.exact.startswith("the kettle is warm")
        assert not greedy.stopped
    asked = server.asked[0]
    assert asked["model"] == "sailor-7b"
    assert asked["temperature"] == 0
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    contents = {body["messages"][1]["content"] for body in server.asked}
    assert all(any(item.first_half.strip() in content for content in contents) for item in items)


def test_a_short_answer_stays_short(
    server: ChatServer, tokenizer: PreTrainedTokenizerFast, items: list[Item]
) -> None:
    [greedy] = served(server.url, tokenizer).greedy(items[:1])
    assert (greedy.exact, greedy.stopped) == ("and so we sail.", True)


def test_what_was_given_is_not_scored_when_it_is_said_again(
    server: ChatServer, tokenizer: PreTrainedTokenizerFast, items: list[Item]
) -> None:
    server.answer = lambda request, count: Answer(request.rpartition("\n\n")[2] + " and we sail.")
    [greedy] = served(server.url, tokenizer).greedy(items[:1])
    assert greedy.exact == "and we sail."
    assert continuation("Ahoy! Ahoy there", "Ahoy!") == "Ahoy there"


@pytest.mark.parametrize(
    ("answer", "added"),
    [
        ("the warm kettle  is on the\nquay, and", "y, and"),
        ("“The warm kettle is on the qua", ""),
        ("The warm kettle is on the sea", "The warm kettle is on the sea"),
        ("The warm kettle", "The warm kettle"),
    ],
)
def test_what_was_given_is_known_again_when_it_was_tidied(answer: str, added: str) -> None:
    """A server may change spaces, case and quotation marks; the last word may be half a word."""
    assert continuation(answer, "The warm kettle is on the qua") == added


def test_the_mark_after_what_was_given_is_taken_off_too() -> None:
    given = "A warm kettle on the quay!"
    assert continuation("a warm kettle  on the quay! Come in.", given) == "Come in."


def test_drawn_answers_carry_temperature_and_seed(
    server: ChatServer, tokenizer: PreTrainedTokenizerFast, items: list[Item]
) -> None:
    server.answer = lambda request, count: Answer("cut", finish_reason="length")
    [sampled] = served(server.url, tokenizer).sampled(items[:1], Sampling(0.8, 0.9, 7))
    assert not sampled.stopped
    assert {key: server.asked[0][key] for key in ("temperature", "top_p", "seed")} == {
        "temperature": 0.8,
        "top_p": 0.9,
        "seed": 7,
    }
    assert served(server.url, tokenizer).likelihoods(items) is None


def test_a_busy_server_is_waited_for(
    server: ChatServer, tokenizer: PreTrainedTokenizerFast, items: list[Item]
) -> None:
    busy = Answer("full", status=503, headers={"Retry-After": "0.2"})
    server.answer = lambda request, count: busy if count < 3 else Answer()
    [greedy] = served(server.url, tokenizer).greedy(items[:1])
    assert greedy.exact == "and so we sail."
    assert len(server.asked) == 4


@pytest.mark.parametrize("status", [503, 429])
def test_a_server_that_stays_busy_is_said_to_be(
    server: ChatServer, tokenizer: PreTrainedTokenizerFast, items: list[Item], status: int
) -> None:
    server.answer = lambda request, count: Answer("full", status, {"Retry-After": "0.3"})
    started = time.monotonic()
    with pytest.raises(OnbrandError, match=rf"still answers {status} after 1 s .* tries"):
        served(server.url, tokenizer, patience=1.0).greedy(items[:1])
    assert len(server.asked) >= 3
    assert time.monotonic() - started < 30


def test_longer_than_patience_is_not_waited(
    server: ChatServer, tokenizer: PreTrainedTokenizerFast, items: list[Item]
) -> None:
    server.answer = lambda request, count: Answer("full", 503, {"Retry-After": "3600"})
    said = r"still answers 503 after 0 s \(1 try\) and asks for 3600 s more"
    with pytest.raises(OnbrandError, match=said):
        served(server.url, tokenizer).greedy(items[:1])
    assert len(server.asked) == 1


@pytest.mark.parametrize("given", ["nan", "inf", "-3", "soon"])
def test_a_pause_that_is_none(
    server: ChatServer, tokenizer: PreTrainedTokenizerFast, items: list[Item], given: str
) -> None:
    busy = Answer("full", status=503, headers={"Retry-After": given})
    server.answer = lambda request, count: busy if count < 1 else Answer()
    [greedy] = served(server.url, tokenizer).greedy(items[:1])
    assert greedy.exact == "and so we sail."


def test_the_last_try_is_made_when_patience_ends(
    server: ChatServer, tokenizer: PreTrainedTokenizerFast, items: list[Item]
) -> None:
    """The next usual pause would be longer than what is left."""
    free = time.monotonic() + 1.2
    server.answer = lambda request, count: Answer(status=503 if time.monotonic() < free else 200)
    [greedy] = served(server.url, tokenizer, patience=1.6).greedy(items[:1])
    assert greedy.exact == "and so we sail."


def test_a_server_that_is_not_there(tokenizer: PreTrainedTokenizerFast, items: list[Item]) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(OnbrandError, match=f"No model answers at {url}"):
        served(url, tokenizer).greedy(items[:1])


def test_a_key_comes_from_the_environment_and_is_never_said(
    server: ChatServer,
    tokenizer: PreTrainedTokenizerFast,
    items: list[Item],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "sk-secret")
    served(server.url, tokenizer).greedy(items[:1])
    assert server.keys == ["Bearer sk-secret"]
    server.answer = lambda request, count: Answer("no sk-secret here", status=400)
    with pytest.raises(OnbrandError) as error:
        served(server.url, tokenizer).greedy(items[:1])
    assert "status 400" in str(error.value)
    assert "sk-secret" not in str(error.value)
    server.answer = lambda request, count: Answer("bad", status=401)
    with pytest.raises(OnbrandError, match=KEY_VARIABLE):
        served(server.url, tokenizer).greedy(items[:1])


@pytest.mark.parametrize("body", [b"<h1>Welcome</h1>", b"{}", b'{"choices": [{}]}', b"[1]"])
def test_what_is_no_chat_completion(
    server: ChatServer, tokenizer: PreTrainedTokenizerFast, items: list[Item], body: bytes
) -> None:
    server.answer = lambda request, count: Answer(body=body)
    with pytest.raises(OnbrandError, match=r"no (OpenAI-compatible server|chat completion)"):
        served(server.url, tokenizer).greedy(items[:1])


@pytest.mark.parametrize("url", ["ftp://x/v1", "http://", "http://me:pw@host/v1"])
def test_an_address_that_cannot_be_right(url: str) -> None:
    with pytest.raises(UsageError) as error:
        ChatClient(url, KEY_VARIABLE, PATIENCE)
    assert "pw" not in str(error.value)


def test_every_text_gets_its_own_answer(
    server: ChatServer, tokenizer: PreTrainedTokenizerFast, items: list[Item]
) -> None:
    """Answers come back in the order of the batch, whatever the order in which they are made."""
    many = [replace(items[0], id=str(n), first_half=f"number {n}") for n in range(24)]

    def answer(request: str, count: int) -> Answer:
        time.sleep(0.01 * (count % 3))
        return Answer(request.rpartition("\n\n")[2].replace("number", "answer"))

    server.answer = answer
    found = served(server.url, tokenizer).greedy(many)
    assert [greedy.exact for greedy in found] == [f"answer {n}" for n in range(24)]
