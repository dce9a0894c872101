"""Alarms about what a model has seen before: test texts in training, and training in its texts."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from eval.honesty.alarm import Alarm
from eval.honesty.copies import LONG, Copy, copies_more, long_share
from eval.honesty.leaks import SIMILAR, Leak
from eval.scores.words import words
from eval.statistics.compare import Difference

BLEU_LIMIT = 10.0

_KNOWN = 8
"""Words in a row of the very reference that a model does not hit upon by chance."""
_FEW = 0.05
_CERTAIN = 0.12
"""Nats a character: what is left of a text that was learned by heart. Free writing keeps 0.4 and
more in English, and more a character in other scripts."""
_KNOWN_SHARE = 0.5
"""Of a second half's words in one run from training: the hashtags of a campaign are few words."""
_LONG_ENOUGH = 40
"""Characters of a second half below which it may be certain by itself."""


def leaked(found: Sequence[Leak], tests: int) -> Alarm | None:
    """Test texts that stand in the training split; `tests` is how many test texts there are."""
    near = [leak for leak in found if leak.is_near_duplicate]
    if not near:
        return None
    if len(near) > tests / 2:
        return Alarm(
            "trained on the test split",
            f"{len(near)} of {tests} test texts stand in the training split too (word 3-grams "
            f"alike by {SIMILAR:.0%} or more): the figures show what was learned by heart.",
        )
    return Alarm(
        "near duplicates across the split",
        f"{len(near)} of {tests} test texts have a near duplicate in training, such as "
        f"{near[0].test_id} in {near[0].train_id}; build again with a lower "
        "clean.near_duplicate, which keeps what is alike in one split.",
    )


def trained_on_test(
    model: str, outputs: Sequence[str], references: Sequence[str], copied: Sequence[Copy]
) -> Alarm | None:
    """A model that knows second halves it cannot have seen.

    `copied` are the outputs' copies from the training split, which would explain the same words.
    """
    knows = sum(
        _shared_words(output, reference) > max(_KNOWN - 1, copy.words)
        for output, reference, copy in zip(outputs, references, copied, strict=True)
    )
    if _by_chance(knows, len(outputs)):
        return None
    return Alarm(
        "trained on the test split",
        f"In {knows} of {len(outputs)} texts {model} goes on with {_KNOWN} or more words of the "
        "real second half that stand nowhere in the training split: it has seen the test texts.",
    )


def too_certain(
    model: str,
    nats: Sequence[float | None],
    references: Sequence[str],
    copied_by_brand: Sequence[Copy],
) -> Alarm | None:
    """A model that foresees second halves almost letter by letter.

    It need not recite them: one word that it draws otherwise, and a recital is lost. References
    that share 8 words in a row with training, or half of their words (hashtags, slogans), may be
    known from there.
    """
    knows = sum(
        nll is not None
        and len(reference) >= _LONG_ENOUGH
        and nll <= _CERTAIN * len(reference)
        and copy.words < _KNOWN
        and copy.share < _KNOWN_SHARE
        for nll, reference, copy in zip(nats, references, copied_by_brand, strict=True)
    )
    if _by_chance(knows, len(references)):
        return None
    return Alarm(
        "trained on the test split",
        f"{model} foresees {knows} of {len(references)} real second halves almost letter by letter "
        f"({_CERTAIN} nats a character or less), though the training split holds nothing like them:"
        " it has seen the test texts.",
    )


def tuned_on_other_data(model: str) -> Alarm:
    """A model that was tuned on another data set than the one it is measured on."""
    return Alarm(
        "tuned on another data set",
        f"{model} was tuned before the data set was built as it is now. A text that is held out "
        "today may have been in its training, and the leak table cannot show it; tune again.",
    )


def memorised(model: str, copied: Sequence[Copy], copied_by_brand: Sequence[Copy]) -> Alarm | None:
    """Outputs that repeat long runs of training more often than the real second halves do."""
    if not copies_more(copied, copied_by_brand):
        return None
    longest = max(copied, key=lambda copy: copy.words)
    return Alarm(
        "memorised",
        f"{long_share(copied):.0%} of {model}'s texts repeat {LONG} or more words in a row of a "
        f"training text, of the brand's own held-out texts {long_share(copied_by_brand):.0%}; the "
        f"longest run has {longest.words} words ({longest.train_id}).",
    )


def bleu_too_high(model: str, bleu: float) -> Alarm | None:
    """A half-split BLEU that free writing does not reach."""
    if bleu <= BLEU_LIMIT:
        return None
    return Alarm(
        "BLEU above 10",
        f"{model}'s BLEU is {bleu:.1f}. Free writing has too many right ways to go on for more "
        f"than {BLEU_LIMIT:.0f}: look for leaks, copies, or hashtags and lines that always recur.",
    )


def tone_by_copying(
    model: str,
    gain: Difference,
    copied: Sequence[Copy],
    copied_by_base: Sequence[Copy],
    copied_by_brand: Sequence[Copy],
) -> Alarm | None:
    """A tone that rose together with what is copied; `gain` is the tone's, over the base model."""
    if not (gain.is_seen and gain.value > 0 and copies_more(copied, copied_by_base)):
        return None
    return Alarm(
        "tone gained by copying",
        f"{model}'s tone is {gain.value:.0f} above the base model's, but {long_share(copied):.0%} "
        f"of its texts repeat {LONG} or more words in a row of a training text (base model "
        f"{long_share(copied_by_base):.0%}, the brand itself {long_share(copied_by_brand):.0%}): "
        "some of the tone is quoted.",
    )


def _by_chance(known: int, texts: int) -> bool:
    """Whether so few texts that a model seems to know say nothing yet."""
    return known < 2 or known < _FEW * texts


def _shared_words(output: str, reference: str) -> int:
    """The longest run of words that the two share."""
    mine, theirs = words(output), words(reference)
    return SequenceMatcher(None, mine, theirs, autojunk=False).find_longest_match().size
