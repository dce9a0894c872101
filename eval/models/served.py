"""A model behind an OpenAI-compatible server, the gateway among them.

A chat server takes no answer that has already begun, so the first half stands in the request and
the model is asked in words to go on. That is another task than the one local models get; the
report says so beside every difference between the two kinds.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from eval.half_split import DecodingTokenizer, HalfSplit, Item, text_of
from eval.models.card import ModelCard
from eval.models.chat_client import ChatClient, Reply
from eval.models.model import Greedy, PaddingCheck, Sampled, Sampling, longest_sample
from eval.scores.words import word_spans
from onbrand.chat_format import Message, encode_text
from onbrand.persona import request_for

KEY_VARIABLE = "ONBRAND_EVAL_KEY"
_AT_ONCE = 4
_SEEDS = 2**31
"""Servers take a seed of 32 bits."""
_SPARE = 2
"""A server's tokens may be shorter than ours: so many times more are asked for."""

_TELLING = 4
"""Words in a row that nobody says again by chance."""

_Answer = TypeVar("_Answer")


class ServedModel:
    """A model that answers over HTTP.

    Args:
        name: what the report calls it.
        client: the server.
        identity: hash of what the server says it serves.
        tokenizer: training's, which decides how long a continuation is.
        system: the brand's system message; empty where the server puts in its own.
    """

    def __init__(
        self,
        name: str,
        client: ChatClient,
        identity: str,
        tokenizer: DecodingTokenizer,
        system: str,
    ) -> None:
        self._name = name
        self._client = client
        self._identity = identity
        self._tokenizer = tokenizer
        self._system = system

    @property
    def card(self) -> ModelCard:
        """What it is."""
        return ModelCard(
            name=self._name,
            kind="served",
            where=self._client.url,
            hash=self._identity,
            asked="in words",
            settings={"model": self._client.model()},
        )

    def view(self, split: HalfSplit) -> HalfSplit:
        """The items as they are: a server gets text."""
        return split

    def greedy(self, batch: Sequence[Item]) -> list[Greedy]:
        """The answer at temperature 0, and its beginning up to the real length."""

        def answer(item: Item) -> Greedy:
            reply = self._ask(item, _SPARE * len(item.second_ids), temperature=0.0)
            text = continuation(reply.text, item.first_half)
            ids = encode_text(self._tokenizer, text)
            count = len(item.second_ids)
            exact = text if len(ids) <= count else text_of(self._tokenizer, ids[:count])
            stopped = len(ids) <= count and reply.stopped
            return Greedy(exact=exact, natural=exact, stopped=stopped, tokens=min(len(ids), count))

        return _in_parallel(answer, batch)

    def sampled(self, batch: Sequence[Item], sampling: Sampling) -> list[Sampled]:
        """A drawn answer to each item; whether the seed is heeded is up to the server."""

        def answer(item: Item) -> Sampled:
            reply = self._ask(
                item,
                longest_sample(item),
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                seed=sampling.seed % _SEEDS,
            )
            text = continuation(reply.text, item.first_half)
            tokens = len(encode_text(self._tokenizer, text))
            return Sampled(text=text, stopped=reply.stopped, tokens=tokens)

        return _in_parallel(answer, batch)

    def likelihoods(self, batch: Sequence[Item]) -> None:
        """None: chat servers do not say how likely a given text is."""

    def padding_checks(self, items: Sequence[Item]) -> list[PaddingCheck]:
        """None: nothing is padded here."""
        return []

    def unload(self) -> None:
        """Nothing is held here but idle connections."""

    def _ask(self, item: Item, max_tokens: int, **fields: Any) -> Reply:
        messages: list[Message] = [{"role": "user", "content": _request(item)}]
        if self._system:
            messages.insert(0, {"role": "system", "content": self._system})
        return self._client.ask(messages, max_tokens=max_tokens, **fields)


def continuation(answer: str, first_half: str) -> str:
    """What an answer adds to the first half.

    A model may say the first half again before it goes on. Scored along, that would earn it what it
    was given; so it is taken off, with the space that follows. Case, spaces and quotation marks may
    be others: servers and models tidy them.
    """
    answer, given = answer.strip(), first_half.strip()
    if answer.startswith(given):
        return answer.removeprefix(given).lstrip()
    mine, theirs = word_spans(answer), word_spans(given)
    if len(theirs) < _TELLING or len(mine) < len(theirs):
        return answer
    *whole, last = theirs  # the last word may be cut off
    same = [span.word for span in mine[: len(whole)]] == [span.word for span in whole]
    ends_in = mine[len(whole)]
    if not (same and ends_in.word.startswith(last.word)):
        return answer
    rest = answer[ends_in.start + len(last.word) :].lstrip()
    return rest.removeprefix(given[last.end :].lstrip()).lstrip()


def _request(item: Item) -> str:
    return (
        f"{request_for(item.source, item.title)} It has already been begun. Go on exactly where it "
        "breaks off, in the middle of a sentence if need be; write only what comes next and say "
        f"nothing again.\n\n{item.first_half.strip()}"
    )


def _in_parallel(answer: Callable[[Item], _Answer], batch: Sequence[Item]) -> list[_Answer]:
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(answer, batch))
