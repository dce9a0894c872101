import json
import math

import pytest

from eval.generate.stage_files import Generated, Verdict
from eval.report.schema import Report, parse_report
from eval.scores import overlap
from onbrand.errors import OnbrandError
from tests.eval.report.sample_report import generated, report_of


@pytest.fixture(scope="module")
def made() -> Generated:
    return generated()


@pytest.fixture(scope="module")
def report(made: Generated) -> Report:
    return report_of(made)[0]


def test_scores_are_those_of_the_metrics_on_the_exact_length(
    made: Generated, report: Report
) -> None:
    references = [text.second_half for text in made.texts]
    for row, texts in {
        "base": [output.greedy.exact for output in made.of("base")],
        "tuned": [output.greedy.exact for output in made.of("tuned")],
        "echo": [text.first_half for text in made.texts],
        "empty": ["" for _ in made.texts],
    }.items():
        expected = overlap(references, texts)
        for figure in ("bleu", "bleu_sacrebleu", "chrf", "rouge1", "rouge2", "rougeL"):
            assert report.value(row, figure) == expected[figure]
    outputs = made.of("tuned")
    nats = sum(output.nll or 0 for output in outputs)
    tokens = sum(output.tokens for output in outputs)
    size = sum(len(text.encode()) for text in references)
    assert report.value("tuned", "perplexity") == pytest.approx(math.exp(nats / tokens))
    assert report.value("tuned", "bits_per_byte") == pytest.approx(nats / math.log(2) / size)
    assert report.value("echo", "perplexity") is None
    assert report.value("empty", "rouge1") == 0


def test_length_is_counted_on_what_was_drawn(made: Generated, report: Report) -> None:
    references = [text.second_half for text in made.texts]
    drawn = [output.sampled[0].text for output in made.of("tuned")]
    assert report.value("tuned", "length_ratio") == overlap(references, drawn)["length_ratio"]


def test_every_difference_between_models_has_interval_and_p(report: Report) -> None:
    common = [f for f in report.scores["base"] if f in report.scores["tuned"]]
    assert len(common) >= 12
    for figure in common:
        change = report.change("base", "tuned", figure)
        assert change is not None
        before, after = report.value("base", figure), report.value("tuned", figure)
        assert change.value == pytest.approx((after or 0) - (before or 0), abs=1e-9)
        assert change.low <= change.value <= change.high
        assert 0 < change.p_bootstrap <= 1
        assert 0 < change.p_randomisation <= 1
        assert change.visible >= 0
    assert report.change("echo", "tuned", "rougeL") is not None
    assert report.change("echo", "tuned", "perplexity") is None


def test_every_score_says_how_it_was_computed(report: Report) -> None:
    for row, scores in report.scores.items():
        for figure, score in scores.items():
            parts = dict(part.split(":", 1) for part in score.signature.split("|")[1:])
            assert score.signature.startswith(f"{figure}|")
            assert parts["split"] == "half"
            assert parts["items"] == ("23" if figure == "perplexity_no_hashtags" else "24")
            assert parts["seed"] == "13"
            if row in report.names:
                assert (parts["dtype"], parts["torch"]) == ("float32", "2")
            if figure in ("tone", "length_ratio") and row in report.names:
                assert parts["decode"] == "sampled-natural-length-t0.8-p0.95-k1000-seed13"
            elif "perplexity" not in figure and figure != "bits_per_byte":
                assert parts["decode"] == ("greedy-exact-length" if row in report.names else row)


def test_several_models_are_compared_pair_by_pair() -> None:
    report, samples = report_of(generated(names=("base", "mine", "yours")))
    pairs = {(change.a, change.b) for change in report.changes if change.figure == "rougeL"}
    assert {("base", "mine"), ("base", "yours"), ("mine", "yours")} <= pairs
    assert {("echo", "mine"), ("another", "yours")} <= pairs
    assert list(samples[0].rows) == ["base", "mine", "yours"]


def test_figures_by_token_are_not_compared_across_tokenizers() -> None:
    made = generated(names=("base", "other"))
    other = made.setup.models[1].model_copy(update={"own_tokenizer": True})
    made.setup.models[1] = other
    report, _ = report_of(made)
    assert report.change("base", "other", "perplexity") is None
    assert report.change("base", "other", "bits_per_byte") is not None
    assert any("bits per byte" in note for note in report.notes)
    assert "|tokens:own|" in report.scores["other"]["perplexity"].signature


def test_another_way_of_asking_is_said() -> None:
    made = generated(names=("base", "served"))
    made.setup.models[1] = made.setup.models[1].model_copy(
        update={"kind": "served", "asked": "in words"}
    )
    report, _ = report_of(made)
    assert any("not all asked alike" in note for note in report.notes)


def test_without_the_base_there_is_no_tone_and_it_is_said() -> None:
    report, _ = report_of(generated(names=("mine", "yours")))
    assert report.tone is None
    assert report.value("mine", "tone") is None
    assert any(note.startswith("Tone was not measured") for note in report.notes)


def test_seeds_subsets_and_sources(report: Report) -> None:
    assert [(row.row, row.seed) for row in report.seeds] == [
        *(("base", 13), ("base", 14), ("tuned", 13), ("tuned", 14))
    ]
    assert report.seeds[0].stopped == 0.5
    assert len(report.subsets) == 5
    assert {row.items for row in report.subsets} == {12}
    assert len({row.figures["rougeL"] for row in report.subsets}) > 1
    assert {row.source: row.items for row in report.sources} == {"facebook": 16, "instagram": 8}
    assert any("no independent evidence" in note for note in report.notes)


def test_the_same_input_gives_the_same_report(made: Generated, report: Report) -> None:
    assert report_of(made)[0].model_dump_json() == report.model_dump_json()


def test_a_judge_is_counted(made: Generated) -> None:
    judged = made.model_copy(
        update={
            "verdicts": [
                Verdict(
                    judge="j",
                    id=text.id,
                    a="base",
                    b="tuned",
                    a_first="second" if number < 20 else "first",
                    b_first="first",
                )
                for number, text in enumerate(made.texts)
            ]
        }
    )
    [row] = report_of(judged)[0].preferences
    assert (row.b_wins, row.a_wins, row.ties) == (20, 0, 4)


def test_a_report_of_another_schema_is_refused_in_one_sentence(report: Report) -> None:
    values = json.loads(report.model_dump_json())
    assert parse_report(values, "x") == report
    with pytest.raises(OnbrandError, match=r"is a report of schema 1, .* reads schema 2"):
        parse_report({**values, "schema_version": 1}, "reports/old")
    with pytest.raises(OnbrandError, match="holds no report"):
        parse_report([], "reports/old")
