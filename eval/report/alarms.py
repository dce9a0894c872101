"""Every detector asked about everything it can look at; what they find stands first in a report."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from eval import honesty
from eval.generate.stage_files import Choice, Generated
from eval.half_split import halves_hash
from eval.honesty import Alarm, BatchCheck, Copy, Leak, Verdict
from eval.honesty.judge import Place
from eval.honesty.sample import FEW
from eval.report.figures import BY_KEY
from eval.report.rows import Counted
from eval.report.schema import BASE, BRAND
from eval.report.sentences import HEADLINE

_PLACES: dict[Choice, Place] = {"first": "first", "second": "second", "neither": "tie"}


def alarms(
    generated: Generated,
    counted: Counted,
    found_leaks: Sequence[Leak],
    copied: Mapping[str, Sequence[Copy]],
) -> list[Alarm]:
    """What has to be said before any figure; each once.

    Args:
        generated: what the models wrote.
        counted: the rows that figures come from.
        found_leaks: of test texts in training.
        copied: of each model, and of the brand's real second halves, what they share with training.
    """
    found = [
        honesty.leaked(found_leaks, len(generated.texts)),
        *_of_references(generated),
        *(
            alarm
            for card in generated.setup.models
            for alarm in _of_model(card.name, generated, counted, copied)
        ),
        *_of_judges(generated),
        *_of_sample(generated, counted),
    ]
    return list(dict.fromkeys(alarm for alarm in found if alarm is not None))


def _of_references(generated: Generated) -> Iterator[Alarm | None]:
    """The split's own references, and those that files from elsewhere were compared with."""
    seed = generated.setup.seed
    if all(text.cut for text in generated.texts):
        yield _moved(generated)
    else:
        first_halves = [text.first_half for text in generated.texts]
        second_halves = [text.second_half for text in generated.texts]
        yield honesty.shuffled_references(second_halves, first_halves, seed)
    for card in generated.setup.models:
        compared = [
            (output.greedy.exact, output.greedy.reference, text)
            for output, text in zip(generated.of(card.name), generated.texts, strict=True)
            if output.greedy.reference is not None
        ]
        if compared:
            exact, theirs, own = zip(*compared, strict=True)
            firsts, seconds = [t.first_half for t in own], [t.second_half for t in own]
            # One mistake is named once: what is transposed is in no order either.
            yield (
                honesty.prompt_scored(card.name, exact, firsts, theirs)
                or honesty.transposed_references(card.name, exact, theirs, seconds)
                or honesty.shuffled_references(theirs, firsts, seed, seconds)
            )


def _moved(generated: Generated) -> Alarm | None:
    """Second halves that are no longer the ones that were cut: the files were changed since."""
    texts = generated.texts
    moved = [halves_hash(text.first_half, text.second_half) != text.cut for text in texts]
    if not any(moved):
        return None
    for card in generated.setup.models:
        said = [output.greedy.exact for output in generated.of(card.name)]
        real = sum(
            moved[place] and halves_hash(text.first_half, said[place]) == text.cut
            for place, text in enumerate(texts)
        )
        if 2 * real > sum(moved):
            return honesty.references_changed(card.name, real, len(texts))
    return honesty.references_changed("", sum(moved), len(texts))


def _of_model(
    name: str, generated: Generated, counted: Counted, copied: Mapping[str, Sequence[Copy]]
) -> Iterator[Alarm | None]:
    exact = counted.texts[name]
    references = [text.second_half for text in generated.texts]
    first_halves = [text.first_half for text in generated.texts]
    yield honesty.prompt_scored(name, exact, first_halves)
    checks = [
        BatchCheck(check.padding, tuple(check.in_batch), tuple(check.alone))
        for checked in generated.setup.padding_checks
        if checked.model == name
        for check in checked.checks
    ]
    yield honesty.right_padding(name, checks)
    if name == BASE:
        return
    recites = honesty.trained_on_test(name, exact, references, copied[name])
    nats = [output.nll for output in generated.of(name)]
    yield recites or honesty.too_certain(name, nats, references, copied[BRAND])
    if name in generated.setup.tuned_on_other_data:
        yield honesty.tuned_on_other_data(name)
    yield honesty.memorised(name, copied[name], copied[BRAND])
    yield honesty.bleu_too_high(name, counted.interval(name, "bleu").value)
    if "tone" in counted.rows[name]:
        gain = counted.difference(BASE, name, "tone")
        yield honesty.tone_by_copying(name, gain, copied[name], copied[BASE], copied[BRAND])


def _of_judges(generated: Generated) -> Iterable[Alarm | None]:
    verdicts = [
        Verdict(_PLACES[verdict.a_first], _PLACES[verdict.b_first])
        for verdict in generated.verdicts
    ]
    return [honesty.preferred_place(verdicts)] if verdicts else []


def _of_sample(generated: Generated, counted: Counted) -> Iterator[Alarm | None]:
    """A claim is what the report's first sentences say."""
    names = [card.name for card in generated.setup.models]
    for a, b in combinations(names, 2):
        for figure in HEADLINE:
            if figure not in counted.rows[a] or figure not in counted.rows[b]:
                continue
            difference = counted.difference(a, b, figure)
            if difference.units < FEW:  # said once, not of every figure
                yield honesty.sample_too_small("any of these models", difference)
            else:
                label = f"{BY_KEY[figure].label} of {b} over {a}"
                yield honesty.sample_too_small(label, difference)
