"""From what the models wrote to a report: scores, differences, controls, alarms. No model here."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from eval.compare.preference import judged
from eval.generate.stage_files import Generated
from eval.honesty import Copy, Leak, copies, leaks
from eval.people.ratings import agreed, preferred
from eval.report.alarms import alarms
from eval.report.breakdown import by_seed, by_source, by_subset
from eval.report.rows import BY_TOKEN, Counted, count
from eval.report.samples import build_samples
from eval.report.schema import (
    BRAND,
    AlarmRow,
    Change,
    CopyRow,
    Data,
    LeakRow,
    Report,
    Sample,
    Score,
    ToldApart,
    ToneControl,
    ToneRow,
)
from eval.report.signatures import PACKAGES, signature
from eval.texts import Text
from onbrand.artifact import versions

_AGAINST_NULLS = ("chrf", "bleu", "rouge1", "rouge2", "rougeL", "tone")
"""Figures in which a model has to beat the rows without one."""
_COMPARED_NULLS = ("echo", "another")


def build(
    generated: Generated, registers: Mapping[str, Sequence[Text]], created_at: str
) -> tuple[Report, list[Sample]]:
    """Score, compare and examine.

    Args:
        generated: what the models wrote.
        registers: other people's writing, for tone, besides what comes with Onbrand.
        created_at: when the evaluation began.
    """
    setup, texts = generated.setup, generated.texts
    counted = count(generated, registers)
    train = [Text(text.id, text.group, text.text) for text in generated.train]
    whole = [Text(text.id, text.group, text.first_half + text.second_half) for text in texts]
    found_leaks = leaks(train, whole)
    copied = {
        name: copies(counted.texts[name], train) for name in (card.name for card in setup.models)
    } | {BRAND: copies([text.second_half for text in texts], train)}
    report = Report(
        kind=setup.kind,
        created_at=created_at,
        brand=setup.brand,
        base_model=setup.base_model,
        models=setup.models,
        data=_data(generated, counted),
        alarms=[
            AlarmRow(fault=alarm.fault, sentence=alarm.sentence)
            for alarm in alarms(generated, counted, found_leaks, copied)
        ],
        notes=list(_notes(generated, counted.tone_trouble)),
        scores=_scores(generated, counted),
        changes=list(_changes(generated, counted)),
        leaks=[_leak(leak) for leak in found_leaks],
        copies=[_copy(name, own) for name, own in copied.items()],
        tone=_tone(counted),
        seeds=list(by_seed(generated)),
        subsets=list(by_subset(generated, counted)),
        sources=list(by_source(generated, counted)),
        preferences=judged(generated) + preferred(generated),
        agreement=agreed(generated),
        seed=setup.seed,
        versions=setup.versions | versions(*PACKAGES),
    )
    return report, build_samples(generated, counted, copied)


def _data(generated: Generated, counted: Counted) -> Data:
    setup, texts = generated.setup, generated.texts
    return Data(
        hash=setup.data_hash,
        items=len(texts),
        units=counted.comparison.units,
        tokens=sum(text.tokens for text in texts),
        sources=dict(sorted(Counter(text.source for text in texts).items())),
        too_short=setup.too_short,
        items_no_hashtags=len(texts) - len(setup.too_short_no_hashtags),
        too_short_no_hashtags=setup.too_short_no_hashtags,
        train=len(generated.train),
    )


def _notes(generated: Generated, trouble: str) -> Iterator[str]:
    cards = generated.setup.models
    asked = {card.asked for card in cards}
    if len(asked) > 1:
        names = ", ".join(card.name for card in cards if card.asked == "in words")
        yield (
            "The models were not all asked alike: a local model goes on from the first half as its "
            "own answer already begun"
            + (f", while {names} was asked in words to go on" if names else "")
            + ". Part of a difference between them is the way of asking."
        )
    for card in cards:
        if card.own_tokenizer:
            yield (
                f"{card.name} cuts text into other tokens, so its perplexity compares with nothing "
                "here; bits per byte does."
            )
        if card.kind == "adapter":
            yield (
                f"{card.name} is an adapter on the base as it is, unquantised; one that was "
                "trained on a quantised base is a slightly different model than the merged one."
            )
    if trouble:
        yield f"Tone was not measured: {trouble}."
    yield (
        "Several seeds and subsets are drawn from the same texts. They show how far chance moves a "
        "figure, but they are no independent evidence and must not be counted as such."
    )


def _scores(generated: Generated, counted: Counted) -> dict[str, dict[str, Score]]:
    scores: dict[str, dict[str, Score]] = {}
    for row, figures in counted.rows.items():
        scores[row] = {}
        for figure in figures:
            found = counted.interval(row, figure)
            how = signature(figure, row, generated)
            scores[row][figure] = Score(
                value=found.value, low=found.low, high=found.high, signature=how
            )
    return scores


def _changes(generated: Generated, counted: Counted) -> Iterator[Change]:
    """Between every two models, and of every model over the rows without one."""
    cards = {card.name: card for card in generated.setup.models}
    for a, b in combinations(cards, 2):
        other_tokens = cards[a].own_tokenizer != cards[b].own_tokenizer
        for figure in counted.rows[a]:
            if figure in counted.rows[b] and not (other_tokens and figure in BY_TOKEN):
                yield _change(a, b, figure, counted)
    for null in (null for null in _COMPARED_NULLS if null in counted.rows):
        for name in cards:
            for figure in _AGAINST_NULLS:
                if figure in counted.rows[null] and figure in counted.rows[name]:
                    yield _change(null, name, figure, counted)


def _change(a: str, b: str, figure: str, counted: Counted) -> Change:
    found = counted.difference(a, b, figure)
    return Change(
        a=a,
        b=b,
        figure=figure,
        value=found.value,
        low=found.low,
        high=found.high,
        p_bootstrap=found.p_bootstrap,
        p_randomisation=found.p_randomisation,
        visible=found.visible,
        units=found.units,
    )


def _leak(leak: Leak) -> LeakRow:
    return LeakRow(
        test_id=leak.test_id,
        train_id=leak.train_id,
        similarity=leak.similarity,
        shared_words=leak.shared_words,
        shared=leak.shared,
    )


def _copy(row: str, copied: Sequence[Copy]) -> CopyRow:
    longest = max(copied, key=lambda copy: copy.words)
    return CopyRow(
        row=row,
        mean_words=sum(copy.words for copy in copied) / len(copied),
        longest=longest.words,
        mean_share=sum(copy.share for copy in copied) / len(copied),
        example=longest.span,
        train_id=longest.train_id,
    )


def _tone(counted: Counted) -> ToneRow | None:
    tone = counted.tone
    if tone is None:
        return None
    return ToneRow(
        is_valid=tone.is_valid,
        sentence=tone.sentence,
        controls=[
            ToneControl(
                name=control.name,
                value=control.tone.value,
                low=control.tone.low,
                high=control.tone.high,
                texts=control.texts,
            )
            for control in tone.controls
        ],
        real_low=tone.real_spread[0],
        real_high=tone.real_spread[1],
        told_apart=[
            ToldApart(row=row, auc=auc.value, low=auc.low, high=auc.high)
            for row, auc in tone.told_apart.items()
        ],
    )
