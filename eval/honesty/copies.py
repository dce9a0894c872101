"""What a model's texts repeat from training, word for word."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from eval.honesty.shared_runs import longest_shared_runs
from eval.scores.words import words
from eval.texts import Text

LONG = 12
"""Words in a row that nobody writes twice by chance, hashtags and slogans apart."""


@dataclass(frozen=True)
class Copy:
    """The longest run of words that one text shares with any training text."""

    words: int
    """Length of that run; 0 when not one word is shared."""
    share: float
    """That length over the text's own, 0 to 1."""
    span: str
    """The run, in lower case, without punctuation."""
    train_id: str
    """The first training text that has it; empty when there is none."""

    @property
    def is_long(self) -> bool:
        """Whether it is long enough to be copied rather than met by chance."""
        return self.words >= LONG


def copies(outputs: Sequence[str], train: Sequence[Text]) -> list[Copy]:
    """One `Copy` for each output, in order."""
    mine = [words(text) for text in outputs]
    runs = longest_shared_runs(mine, [words(text.text) for text in train])
    return [
        Copy(
            words=run.length,
            share=run.length / len(text) if text else 0.0,
            span=" ".join(text[run.start : run.start + run.length]),
            train_id="" if run.other is None else train[run.other].id,
        )
        for text, run in zip(mine, runs, strict=True)
    ]


def copies_more(one: Sequence[Copy], other: Sequence[Copy]) -> bool:
    """Whether `one` holds long copies where `other` has none more often than chance allows.

    A sign test over the prompts where only one of the two copies (McNemar, 1947), at 1%.
    """
    pairs = list(zip(one, other, strict=True))
    more = sum(a.is_long and not b.is_long for a, b in pairs)
    fewer = sum(b.is_long and not a.is_long for a, b in pairs)
    if more <= fewer:
        return False
    return bool(binomtest(more, more + fewer, alternative="greater").pvalue < 0.01)


def long_share(copied: Sequence[Copy]) -> float:
    """Share of texts that hold a long copy, 0 to 1."""
    return sum(copy.is_long for copy in copied) / len(copied) if copied else 0.0
