"""`report.md`: the report for someone who sells, not someone who trains models."""

import re
from collections.abc import Sequence

from eval.figures import FIGURES, show_change
from eval.report import Report, Sample

_SHOWN = 3


def render_page(report: Report, samples: Sequence[Sample]) -> str:
    """The whole page, in Markdown."""
    ranked = sorted(samples, key=lambda sample: sample.tuned_rougeL, reverse=True)
    shown = min(_SHOWN, len(ranked) // 2)
    best = ranked[: max(shown, 1)]
    worst = ranked[::-1][:shown]
    parts = [
        f"# Does it sound like {report.brand or 'the brand'}?",
        _summary(report),
        _table(report),
        "## What the figures mean",
        "\n".join(
            f"- **{figure.label}.** {figure.meaning}"
            for figure in FIGURES
            if report.value("base", figure.key) is not None
        )
        + "\n- **Echo** repeats the half that was given and writes nothing of its own. A model "
        "that scores no better than echo in BLEU and ROUGE has shown nothing there.",
        "## What they do not show",
        "These figures compare wording with one real text. They do not say whether a text is true, "
        "fit to publish, or liked by customers, and on a small number of texts small differences "
        "are chance. Read the samples.",
        "## Closest to what the brand wrote",
        *(_sample(sample) for sample in best),
        "## Furthest from it" if worst else "",
        *(_sample(sample) for sample in worst),
        "## How it was computed",
        _method(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(report: Report) -> str:
    base, tuned = report.value("base", "perplexity"), report.value("tuned", "perplexity")
    return (
        f"{report.data.items} texts of the brand were kept away from training. Each was cut in "
        "half; the original model and the tuned one were given the first half and had to go on. "
        "Only what they wrote is compared with what the brand really wrote.\n\n"
        f"**The tuned model's perplexity on these texts is {tuned:,.1f}; the original's is "
        f"{base:,.1f} ({show_change(report.change_percent['perplexity'])}).**"
    )


def _table(report: Report) -> str:
    lines = ["| | original | tuned | change | echo |", "|---|---:|---:|---:|---:|"]
    for figure in FIGURES:
        if report.value("base", figure.key) is None:
            continue
        cells = [
            figure.label,
            figure.show(report.value("base", figure.key)),
            figure.show(report.value("tuned", figure.key)),
            show_change(report.change_percent[figure.key]),
            figure.show(report.value("echo", figure.key)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _sample(sample: Sample) -> str:
    cells = [
        ("Given", sample.first_half),
        ("The brand", sample.second_half),
        ("Original model", sample.base),
        ("Tuned model", sample.tuned),
    ]
    heads = " | ".join(head for head, _ in cells)
    texts = " | ".join(_cell(text) for _, text in cells)
    return (
        f"{sample.source}, `{sample.id}`: words in common and in order (ROUGE-L): original "
        f"{sample.base_rougeL:.3f}, tuned {sample.tuned_rougeL:.3f}\n\n"
        f"| {heads} |\n|---|---|---|---|\n| {texts} |"
    )


def _cell(text: str) -> str:
    """Text as it stands, in a table cell: nothing in it acts as Markdown or HTML."""
    escaped = re.sub(r"([\\`*_\[\]|#~<>&])", r"\\\1", text.strip())
    return "<br>".join(escaped.splitlines())


def _method(report: Report) -> str:
    lines = [
        f"- Original model: `{report.base_model}`. Texts: {report.data.items}, of which "
        f"{report.data.tokens:,} tokens were to be written.",
        _left_out(report.data.too_short, "Left out as too short to split"),
        _left_out(
            report.data.too_short_no_hashtags,
            "Left out of the perplexity without hashtags only, as too short without them",
        ),
        "- Each score's signature:",
    ]
    signatures = [f"  - `{score.signature}`" for score in report.scores["tuned"].values()]
    return "\n".join([line for line in lines if line] + signatures)


def _left_out(ids: list[str], why: str) -> str:
    return f"- {why}: {len(ids)} ({', '.join(f'`{id_}`' for id_ in ids)})." if ids else ""
