"""`samples.jsonl`: every text with what each model made of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.generate.stage_files import Generated, Output
from eval.honesty import Copy
from eval.report.rows import Counted
from eval.report.schema import Sample, SampleRow
from eval.scores import METRICS
from onbrand.json_lines import read_json_lines

SCORED = ("rougeL", "chrf")
"""What is said of a single text; BLEU of one text means little."""
_SHOWN = 3


def build_samples(
    generated: Generated, counted: Counted, copied: Mapping[str, Sequence[Copy]]
) -> list[Sample]:
    """One sample per test text, in the order of the split."""
    names = [card.name for card in generated.setup.models]
    outputs = {name: generated.of(name) for name in names}
    scores = {
        row: {figure: METRICS[figure].scores(counted.rows[row][figure]) for figure in SCORED}
        for row in [*names, "echo"]
    }
    samples = []
    for place, text in enumerate(generated.texts):
        rows = {
            name: _row(outputs[name][place], _at(scores[name], place), copied[name][place])
            for name in names
        }
        samples.append(
            Sample(
                id=text.id,
                source=text.source,
                title=text.title,
                tokens=text.tokens,
                first_half=text.first_half,
                second_half=text.second_half,
                rows=rows,
                echo_rougeL=scores["echo"]["rougeL"][place],
            )
        )
    return samples


def read_samples(path: Path) -> list[Sample]:
    """Read `samples.jsonl`.

    Raises:
        OnbrandError: it is not there, or of another schema.
    """
    return list(read_json_lines(path, Sample, "a sample", "run `onbrand eval --force`"))


def best_and_worst(samples: Sequence[Sample], row: str) -> tuple[list[Sample], list[Sample]]:
    """The texts that the row's model continued most and least like the brand, by ROUGE-L.

    Three of each at most, and none in both.
    """
    ranked = sorted(samples, key=lambda sample: sample.rows[row].scores["rougeL"], reverse=True)
    shown = min(_SHOWN, len(ranked) // 2)
    return ranked[: max(shown, 1)], ranked[::-1][:shown]


def _at(scores: Mapping[str, Sequence[float]], place: int) -> dict[str, float]:
    return {figure: values[place] for figure, values in scores.items()}


def _row(output: Output, scores: dict[str, float], copy: Copy) -> SampleRow:
    return SampleRow(
        exact=output.greedy.exact,
        shown=output.shown,
        nll=output.nll,
        scores=scores,
        copied_words=copy.words,
        copied=copy.span,
        copied_from=copy.train_id,
    )
