"""What evaluation asks of a model, wherever it runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel

from eval.half_split import HalfSplit, Item
from eval.models.card import ModelCard


class Greedy(BaseModel):
    """The likeliest continuation of one text."""

    exact: str
    """As many tokens as the real second half has, the end forbidden; from a server at most so
    many."""
    natural: str
    """The same up to where the model itself would have ended it."""
    stopped: bool
    """Whether it would have, within the length of the real second half."""
    tokens: int
    """Number of tokens of `exact`."""
    reference: str | None = None
    """What a file from elsewhere compared `exact` with, where it says so."""


class Sampled(BaseModel):
    """One continuation drawn by chance, as long as the model wants it."""

    text: str
    stopped: bool
    """False: it was cut off at the limit."""
    tokens: int


class PaddingCheck(BaseModel):
    """The first tokens after one prompt: in a batch with longer ones, and alone.

    They differ where the padding is put on the wrong side, or is not masked.
    """

    padding: int
    """Of its row in the batch, tokens."""
    in_batch: list[int]
    alone: list[int]


@dataclass(frozen=True)
class Sampling:
    """How chance draws."""

    temperature: float
    top_p: float
    seed: int


MOST_LIKELY = 1000
"""Tokens that a local model's draw chooses among, at most."""


def longest_sample(item: Item) -> int:
    """Tokens at which a continuation of natural length is cut off: twice the real one, 16 at least.

    A model that never stops must not take the day, and one that writes half as much again as the
    brand can still be seen to.
    """
    return max(16, 2 * len(item.second_ids))


class Model(Protocol):
    """A model that continues texts."""

    @property
    def card(self) -> ModelCard:
        """What it is."""

    def view(self, split: HalfSplit) -> HalfSplit:
        """The items in this model's own tokens; the same ones when it shares the tokenizer."""

    def greedy(self, batch: Sequence[Item]) -> list[Greedy]:
        """The likeliest continuation of each item."""

    def sampled(self, batch: Sequence[Item], sampling: Sampling) -> list[Sampled] | None:
        """A continuation of each item drawn by chance, each item's own, whatever the batch.

        None where nothing can be drawn.
        """

    def likelihoods(self, batch: Sequence[Item]) -> list[float] | None:
        """-ln p of each real second half, nats; None where the model does not say."""

    def padding_checks(self, items: Sequence[Item]) -> list[PaddingCheck]:
        """A few prompts continued in a batch and alone; none where batches are not ours."""

    def unload(self) -> None:
        """Free what it holds; it may be used again."""
