import random

import pytest

from eval.statistics import Comparison
from eval.texts import Text
from eval.tone import TONE, Tone, built_in_registers, measure_tone
from onbrand.errors import UsageError
from tests.conftest import needs_shared_data
from tests.eval.real_texts import halves, messages, sample
from tests.eval.tone.conftest import Voices


def put_in_place(texts: list[Text], real: list[Text]) -> list[Text]:
    """Texts of somebody else where the held-out ones stand."""
    return [
        Text(own.id, own.group, halves(other.text)[1])
        for own, other in zip(real, texts, strict=True)
    ]


@pytest.fixture(scope="module")
def models(voices: Voices) -> dict[str, list[Text]]:
    chance = random.Random(1)
    mixed = [
        real if chance.random() < 0.5 else base
        for real, base in zip(voices.real, voices.base, strict=True)
    ]
    other_words = sample(voices.train, len(voices.real), seed=2)
    return {
        "base": voices.base,
        "echo": voices.first,
        "half": mixed,
        "brand": [
            Text(own.id, own.group, other.text)
            for own, other in zip(voices.real, other_words, strict=True)
        ],
        "perfect": voices.real,
    }


@pytest.fixture(scope="module")
def tone(voices: Voices, models: dict[str, list[Text]]) -> Tone:
    return measure_tone(voices.train, voices.real, models, built_in_registers(), seed=1)


def scores(tone: Tone) -> dict[str, float]:
    return {name: TONE.score(rows) for name, rows in tone.rows.items()}


def test_the_scale(tone: Tone) -> None:
    found = scores(tone)
    assert found["base"] == 0
    assert found["perfect"] == pytest.approx(100)
    assert 25 < found["half"] < 75
    # The brand's own words, but how it begins instead of how it ends.
    assert 10 < found["echo"] < 90
    assert found["brand"] == pytest.approx(100, abs=25)
    low, high = tone.real_spread
    assert low < 100 < high


def test_with_other_registers_the_measure_is_valid(tone: Tone) -> None:
    assert tone.is_valid, tone.sentence
    assert [control.name for control in tone.controls] == sorted(built_in_registers())
    for control in tone.controls:
        assert control.tone.low <= control.tone.value <= control.tone.high < 60
        assert control.texts >= 10


def test_told_apart(tone: Tone) -> None:
    assert tone.told_apart["base"].low > 0.7
    assert tone.told_apart["perfect"].is_chance
    assert tone.told_apart["brand"].is_chance
    assert 0.5 < tone.told_apart["half"].value < tone.told_apart["base"].value


def test_differences_like_those_of_any_metric(tone: Tone, voices: Voices) -> None:
    comparison = Comparison([text.group for text in voices.real], seed=1)
    found = comparison.difference(TONE, tone.rows["base"], tone.rows["half"])
    assert found.is_seen
    assert found.value == pytest.approx(scores(tone)["half"])


def test_the_same_seed_gives_the_same_figures(voices: Voices) -> None:
    first, again = (
        measure_tone(voices.train, voices.real, {"base": voices.base}, {}, seed=3) for _ in range(2)
    )
    assert first.rows["base"].tolist() == again.rows["base"].tolist()
    assert first.told_apart == again.told_apart


@needs_shared_data
@pytest.mark.slow
def test_brand_against_base_output_alone_measures_humanness(plain: Voices, voices: Voices) -> None:
    """The brand is a government agency with a plain voice; the others could not be less like it.

    Against the base model's output alone, private messages and the posts of a bicycle workshop that
    speaks like an old sailor come out as the agency's. Against other people's writing, among which
    there is none of theirs, they come out as far from it as can be.
    """
    count = len(plain.real)
    people = {
        "messages": put_in_place(sample(messages(), count, seed=1), plain.real),
        "workshop": [
            Text(own.id, own.group, text.text)
            for own, text in zip(plain.real, sample(voices.train, count, seed=1), strict=True)
        ],
    }
    models = {"base": plain.base, **people}
    alone = measure_tone(plain.train, plain.real, models, {}, seed=1)
    assert not alone.is_valid
    assert "how human a text is" in alone.sentence
    sound = measure_tone(plain.train, plain.real, models, built_in_registers(), seed=1)
    assert sound.is_valid, sound.sentence
    for name in people:
        assert scores(alone)[name] > 50
        assert scores(sound)[name] < 0


@needs_shared_data
def test_a_single_register_shows_that_it_is_not_enough(plain: Voices) -> None:
    """Judged by a classifier that has seen none of it, it had only base output against it."""
    registers = {"messages": sample(messages(), 60, seed=1)}
    found = measure_tone(plain.train, plain.real, {"base": plain.base}, registers, seed=1)
    assert [control.name for control in found.controls] == ["messages"]
    assert not found.is_valid
    assert "comes out as the brand's: messages" in found.sentence


def test_a_training_text_that_is_repeated_is_judged_as_if_it_were_new(voices: Voices) -> None:
    """The other half of the training texts says what a new text of the brand scores."""
    half = len(voices.train) // 2
    learned, unseen = voices.train[:half], voices.train[half:]
    rows = {
        name: [Text(o.id, o.group, t.text) for o, t in zip(voices.real, texts, strict=False)]
        for name, texts in (("repeated", learned), ("new", unseen))
    }
    count = min(map(len, rows.values()))
    models = {name: texts[:count] for name, texts in rows.items()}
    models["base"] = voices.base[:count]
    found = scores(measure_tone(learned, voices.real[:count], models, {}, seed=1))
    assert found["repeated"] < found["new"] + 5  # ten more, were they recognised


def test_a_brand_that_reads_like_its_base_model_has_no_scale(voices: Voices) -> None:
    swapped = measure_tone(
        voices.train, voices.base, {"base": voices.real}, built_in_registers(), seed=1
    )
    assert not swapped.is_valid
    assert "no scale" in swapped.sentence


def test_a_document_is_judged_by_a_classifier_that_has_not_seen_it(voices: Voices) -> None:
    """Were they learned, the judged texts would be recognised, as they are under other names."""
    renamed = [Text(f"copy-{t.id}", f"copy-{t.group}", t.text) for t in voices.real]
    kept_out, learned = (
        measure_tone(voices.train + more, voices.real, {"base": voices.base}, {}, seed=1)
        for more in (voices.real, renamed)
    )
    real_log_odds = [tone.rows["base"][:, 2].mean() for tone in (kept_out, learned)]
    assert real_log_odds[0] < real_log_odds[1] - 0.2


def test_nothing_to_measure(voices: Voices) -> None:
    with pytest.raises(UsageError, match="training texts"):
        measure_tone([], voices.real, {"base": voices.base}, {}, seed=1)
    with pytest.raises(UsageError, match="two documents"):
        measure_tone(voices.train, voices.real[:1], {"base": voices.base[:1]}, {}, seed=1)
    one = [Text(t.id, "one", t.text) for t in voices.train]
    real = [Text(t.id, "one" if n else "other", t.text) for n, t in enumerate(voices.real)]
    with pytest.raises(UsageError, match="documents that are judged"):
        measure_tone(one, real, {"base": voices.base}, {}, seed=1)
