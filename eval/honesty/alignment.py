"""Alarms about what is compared with what: the prompt, the references and their order."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from eval.honesty.alarm import Alarm
from eval.scores.words import words

_MOST = 0.5
_ENOUGH = 30
"""Texts below which an order cannot be told from chance."""
_PERMUTATIONS = 999
_TELLING = 4
"""Words in a row that hardly stand somewhere by chance."""


def prompt_scored(
    model: str,
    hypotheses: Sequence[str],
    first_halves: Sequence[str],
    references: Sequence[str] = (),
) -> Alarm | None:
    """Texts to be scored that hold the half that was given, or `references` that do.

    It need not stand at the beginning: a program that decodes everything a model returns has the
    request in front of it.
    """
    held = _holding(hypotheses, first_halves)
    if held > _MOST * len(hypotheses):
        return Alarm(
            "prompt scored",
            f"{held} of {len(hypotheses)} texts of {model} hold the half that was given. The "
            "brand's own words are scored as the model's; a model that writes nothing scores high "
            "too.",
        )
    if references and (held := _holding(references, first_halves)) > _MOST * len(references):
        return Alarm(
            "prompt scored",
            f"{held} of {len(references)} references that {model} was compared with hold the half "
            "that was given: whole texts were compared, and the half that was given counts.",
        )
    return None


def transposed_references(
    model: str, hypotheses: Sequence[str], references: Sequence[str], second_halves: Sequence[str]
) -> Alarm | None:
    """The model's texts where the brand's should be; `second_halves` are the test split's own."""
    real = [words(text) for text in second_halves]
    as_hypotheses = sum(a == words(b) for a, b in zip(real, hypotheses, strict=True))
    as_references = sum(a == words(b) for a, b in zip(real, references, strict=True))
    if as_hypotheses <= _MOST * len(real) or as_references > as_hypotheses / 2:
        return None
    return Alarm(
        "transposed references",
        f"{as_hypotheses} of {len(real)} texts that stand as {model}'s are the brand's second "
        "halves, and the references are not: the two have changed places.",
    )


def shuffled_references(
    references: Sequence[str],
    first_halves: Sequence[str],
    seed: int,
    second_halves: Sequence[str] | None = None,
) -> Alarm | None:
    """References that are not the continuations of their own first halves.

    With the test split's own `second_halves` the order is compared exactly. Without them, or where
    most references are none of these, a half and its own continuation must share more wording than
    a half and another's (a permutation test at 1% over the similarity of their character n-grams),
    which needs 30 texts.
    """
    if second_halves is not None:
        wrong, strange = _out_of_place(references, second_halves)
        if wrong:
            return Alarm(
                "shuffled references",
                f"{wrong} of {len(references)} references are second halves of other test texts: "
                "the file of references is in another order than the texts.",
            )
        if strange <= _MOST * len(references):
            return None
    if len(references) < _ENOUGH:
        return None
    chance = _alignment_by_chance(references, first_halves, seed)
    if chance <= 0.01:
        return None
    return Alarm(
        "shuffled references",
        "The references share no more wording with their own first halves than with those of "
        f"other texts (p = {chance:.2f}): the file of references seems to be in another order.",
    )


def references_changed(model: str, changed: int, count: int) -> Alarm:
    """The evaluation's own second halves are not the ones that were cut.

    `model` is whose texts are, where they stand as a model's; else empty.
    """
    if model:
        return Alarm(
            "transposed references",
            f"{changed} of {count} texts that stand as {model}'s are the brand's second halves, and"
            " the references are not: the two have changed places.",
        )
    return Alarm(
        "shuffled references",
        f"{changed} of {count} references are not the second halves that were cut from their texts:"
        " they were put into another order, or changed, before they were scored.",
    )


def _holding(texts: Sequence[str], first_halves: Sequence[str]) -> int:
    """How many texts hold their own first half."""
    return sum(_holds(text, first) for text, first in zip(texts, first_halves, strict=True))


def _holds(text: str, first: str) -> bool:
    """The half's last word may be cut off, and so does not count.

    A half of a word or two counts at the beginning only: elsewhere it may stand by chance.
    """
    given, found = words(first), words(text)
    given = given[:-1] or given
    if not given:
        return False
    starts = range(len(found) - len(given) + 1) if len(given) >= _TELLING else range(1)
    return any(found[start : start + len(given)] == given for start in starts)


def _out_of_place(references: Sequence[str], second_halves: Sequence[str]) -> tuple[int, int]:
    """References that are another text's second half, and those that are nobody's.

    Compared by their words: another program may have taken a space off. A text may occur twice.
    """
    own = [tuple(words(text)) for text in second_halves]
    known = set(own)
    given = [tuple(words(text)) for text in references]
    wrong = sum(a != b and a in known for a, b in zip(given, own, strict=True))
    return wrong, sum(text not in known for text in given)


def _alignment_by_chance(
    references: Sequence[str], first_halves: Sequence[str], seed: int
) -> float:
    """How often halves and references in random order are as alike as in the order given."""
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    vectors.fit([*first_halves, *references])
    alike = (vectors.transform(first_halves) @ vectors.transform(references).T).toarray()
    chance = np.random.default_rng(seed)
    places = np.arange(len(references))
    found = alike[places, places].mean()
    shuffled = [alike[places, chance.permutation(places)].mean() for _ in range(_PERMUTATIONS)]
    return float(1 + sum(value >= found for value in shuffled)) / (1 + _PERMUTATIONS)
