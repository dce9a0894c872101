"""`report.md`: the report for someone who sells, not someone who trains models."""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from eval.report.figures import FIGURES, Figure, change_percent, show_change, show_p
from eval.report.samples import best_and_worst
from eval.report.schema import PreferenceRow, Report, Sample
from eval.report.sentences import LIMITS, agreement_sentence, headline, title_of

MARKDOWN_NAME = "report.md"


def render_page(report: Report, samples: Sequence[Sample]) -> str:
    """The whole page, in Markdown."""
    best, worst = best_and_worst(samples, report.names[-1])
    parts = [
        f"# {_escaped(title_of(report))}",
        _escaped(headline(report)),
        *_alarms(report),
        _table(report),
        "\n\n".join(_differences(report, a, b) for a, b in combinations(report.names, 2)),
        *_tone(report),
        *_preferences(report),
        "## What the figures mean",
        _meanings(report),
        "## What they do not show",
        LIMITS,
        "## Closest to what the brand wrote",
        *(_sample(sample, report.names) for sample in best),
        "## Furthest from it" if worst else "",
        *(_sample(sample, report.names) for sample in worst),
        "## How it was computed",
        _method(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _alarms(report: Report) -> Iterator[str]:
    if report.alarms:
        yield "## Alarms"
        yield "\n".join(
            f"- **{alarm.fault}.** {_escaped(alarm.sentence)}" for alarm in report.alarms
        )
    if report.notes:
        yield "\n".join(f"> {_escaped(note)}\n>" for note in report.notes).removesuffix("\n>")


def _figures(report: Report) -> list[Figure]:
    return [
        figure
        for figure in FIGURES
        if any(report.value(name, figure.key) is not None for name in report.names)
    ]


def _table(report: Report) -> str:
    rows = [*report.names, *report.nulls]
    lines = [_row(["", *map(_escaped, rows)]), "|---|" + "---:|" * len(rows)]
    lines += [
        _row([figure.label, *(figure.show(report.value(row, figure.key)) for row in rows)])
        for figure in _figures(report)
    ]
    return "\n".join(lines)


def _differences(report: Report, a: str, b: str) -> str:
    heads = ["", a, b, "difference", "95% interval", "change", "p", "can see"]
    lines = [_row(list(map(_escaped, heads))), "|---|" + "---:|" * (len(heads) - 1)]
    for figure in FIGURES:
        change = report.change(a, b, figure.key)
        if change is None:
            continue
        before, after = report.value(a, figure.key), report.value(b, figure.key)
        interval = f"{figure.show_difference(change.low)} … {figure.show_difference(change.high)}"
        cells = [
            figure.label,
            figure.show(before),
            figure.show(after),
            figure.show_difference(change.value),
            interval,
            show_change(change_percent(before, after)),
            show_p(change.p_bootstrap),
            figure.show(change.visible),
        ]
        lines.append(_row(cells))
    return f"## {_escaped(b)} against {_escaped(a)}\n\n" + "\n".join(lines)


def _tone(report: Report) -> Iterator[str]:
    if report.tone is None:
        return
    yield "## Tone"
    yield _escaped(report.tone.sentence)
    lines = [_row(["control", "tone", "95% interval", "texts"]), "|---|---:|---:|---:|"]
    lines += [
        _row([_escaped(c.name), f"{c.value:.0f}", f"{c.low:.0f} … {c.high:.0f}", str(c.texts)])
        for c in report.tone.controls
    ]
    yield "\n".join(lines)
    yield (
        f"Nine in ten real texts lie between {report.tone.real_low:.0f} and "
        f"{report.tone.real_high:.0f}."
    )
    yield "\n".join(
        f"- A classifier tells {_escaped(row.row)} from the brand's own second halves with an AUC "
        f"of {row.auc:.2f} ({row.low:.2f} … {row.high:.2f}; 0.5 is guessing)."
        for row in report.tone.told_apart
    )


def _preferences(report: Report) -> Iterator[str]:
    if not report.preferences:
        return
    yield "## Preferences"
    yield "\n".join(f"- {_escaped(_preferred(row))}" for row in report.preferences)
    if report.agreement:
        yield _escaped(agreement_sentence(report.agreement))


def _preferred(row: PreferenceRow) -> str:
    said = (
        f"{row.by}: {row.b} over {row.a} in {100 * row.share_b:.0f}% of {row.items} texts "
        f"(95% interval {100 * row.low:.0f}–{100 * row.high:.0f}%, p {show_p(row.p)}; won "
        f"{row.b_wins}, lost {row.a_wins}, tied {row.ties}). If the longer text always won, it "
        f"would be {100 * row.longer_share_b:.0f}%."
    )
    if row.first_answers is not None:
        said += f" {100 * row.first_answers:.0f}% of the answers were for the first text shown."
    return said


def _meanings(report: Report) -> str:
    return "\n".join(f"- **{figure.label}.** {figure.meaning}" for figure in _figures(report)) + (
        "\n- **echo**, **another**, **empty**: what saying the half that was given again, another "
        "text of the brand, or nothing would score. A model that scores no better has shown "
        "nothing in that line."
    )


def _sample(sample: Sample, names: Sequence[str]) -> str:
    cells = [("given", sample.first_half), ("the brand", sample.second_half)]
    cells += [(name, sample.rows[name].exact) for name in names]
    scores = ", ".join(f"{name} {sample.rows[name].scores['rougeL']:.3f}" for name in names)
    return (
        f"{sample.source}, `{sample.id}`: words in common and in order (ROUGE-L): "
        f"{_escaped(scores)}\n\n"
        f"{_row([_escaped(head) for head, _ in cells])}\n|{'---|' * len(cells)}\n"
        f"{_row([_cell(text) for _, text in cells])}"
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return "<br>".join(_escaped(text.strip()).splitlines())


def _escaped(text: str) -> str:
    """Text as it stands: nothing in it acts as Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]|#~<>&])", r"\\\1", text)


def _method(report: Report) -> str:
    lines = [
        f"- Base model: `{report.base_model}`. Texts: {report.data.items}, from "
        f"{report.data.units} independent sources, of which {report.data.tokens:,} tokens were to "
        "be written.",
        _left_out(report.data.too_short, "Left out as too short to split"),
        _left_out(
            report.data.too_short_no_hashtags,
            "Left out of the perplexity without hashtags only, as too short without them",
        ),
        "- Each score's signature:",
    ]
    signatures = [f"  - `{score.signature}`" for score in report.scores[report.names[-1]].values()]
    return "\n".join([line for line in lines if line] + signatures)


def _left_out(ids: list[str], why: str) -> str:
    return f"- {why}: {len(ids)} ({', '.join(f'`{id_}`' for id_ in ids)})." if ids else ""
