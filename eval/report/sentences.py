"""What a report says in sentences, the same in every form of it."""

from eval.report.figures import BY_KEY, change_percent, show_change, show_p
from eval.report.schema import AgreementRow, Report

LIMITS = (
    "These figures compare wording with one real text, and tone with a classifier's idea of the "
    "brand. They do not say whether a text is true, fit to publish, or liked by customers. An "
    "interval says what other texts of the same kind would have given, not what next year's texts "
    "or another training run would give. Read the samples."
)


HEADLINE = ("perplexity", "tone", "rougeL")
"""The figures that are put into words, and so are the report's claims."""


def title_of(report: Report) -> str:
    """The question that the report answers."""
    return f"Does it sound like {report.brand or 'the brand'}?"


def headline(report: Report) -> str:
    """From the first model to the last: what changed, and whether chance could have done it."""
    texts = (
        f"{report.data.items} texts of the brand were kept away from training. Each was cut in "
        "half; every model was given the first half and had to go on."
    )
    if len(report.names) < 2:
        return texts
    a, b = report.names[0], report.names[-1]
    said = [sentence for figure in HEADLINE if (sentence := _said(report, a, b, figure))]
    return " ".join([texts, *said])


def _said(report: Report, a: str, b: str, key: str) -> str:
    change, figure = report.change(a, b, key), BY_KEY[key]
    if change is None:
        return ""
    before, after = report.value(a, key), report.value(b, key)
    name = figure.label.partition(" (")[0]
    facts = f"{name}: {b} {figure.show(after)}, {a} {figure.show(before)}"
    percent = change_percent(before, after)
    if percent is not None and key != "tone":
        facts += f" ({show_change(percent)})"
    if not change.is_seen:
        return f"{facts}; that is within chance (p {show_p(change.p_bootstrap)})."
    return f"{facts}; p {show_p(change.p_bootstrap)}."


def agreement_sentence(found: AgreementRow) -> str:
    """How far people agree, and what follows."""
    if found.alpha is None:
        return (
            f"{found.raters} rated, and agreement is not defined: nothing was rated twice, or "
            "everybody always said the same."
        )
    interval = (
        f" (95% interval {found.low:.2f} … {found.high:.2f})"
        if found.low is not None and found.high is not None
        else ""
    )
    use = (
        "enough to draw conclusions from"
        if found.is_usable
        else "too little to draw conclusions from"
    )
    return (
        f"Krippendorff's alpha of {found.raters} raters over {found.texts} questions is "
        f"{found.alpha:.2f}{interval}: {use}."
    )
