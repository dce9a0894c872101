"""The plots of a report: differences, tone, distributions, sources."""

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from eval.report.figures import FIGURES
from eval.report.figures import Figure as Line
from eval.report.schema import BASE, Change, Report, Sample
from eval.report.svg import BAND, INK, LINE, SOFT, drawing, inline, series

_WIDTH = 7.2
"""Inches; the page scales it."""


def differences(report: Report, a: str, b: str) -> Markup | None:
    """Each figure's difference with its interval, on its own scale; None where there is none."""
    found = [(f, c) for f in FIGURES if (c := report.change(a, b, f.key)) is not None]
    if not found:
        return None
    with drawing(f"differences {a} {b}"):
        canvas = Canvas(figsize=(_WIDTH, 0.62 * len(found)), layout="constrained")
        for axes, (figure, change) in zip(_column(canvas, len(found)), found, strict=True):
            _difference(axes, figure, change)
        return inline(canvas, f"Differences from {a} to {b} with 95% intervals")


def tone(report: Report) -> Markup | None:
    """Models, controls and the spread of real texts on the scale of tone."""
    if report.tone is None:
        return None
    rows = [
        (name, score.value, score.low, score.high, series(place))
        for place, name in enumerate(report.names)
        if (score := report.scores[name].get("tone")) is not None
    ]
    rows += [
        (name, score.value, score.low, score.high, SOFT)
        for name in report.nulls
        if (score := report.scores[name].get("tone")) is not None
    ]
    rows += [(c.name, c.value, c.low, c.high, SOFT) for c in report.tone.controls]
    with drawing("tone"):
        canvas = Canvas(figsize=(_WIDTH, 0.9 + 0.3 * len(rows)), layout="constrained")
        axes = canvas.subplots()
        axes.axvspan(report.tone.real_low, report.tone.real_high, color=BAND, linewidth=0)
        for x in (0, 100):
            axes.axvline(x, color=LINE, linewidth=1)
        for place, (_, value, low, high, colour) in enumerate(rows):
            axes.plot([low, high], [place, place], color=colour, linewidth=2)
            axes.plot([value], [place], "o", color=colour, markersize=6)
        axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(f"tone: 0 is {BASE}, 100 the brand; shaded: nine in ten real texts")
        _quiet(axes)
        return inline(canvas, "Tone of models and of other people's writing")


def distributions(report: Report, samples: Sequence[Sample]) -> Markup:
    """How single texts are spread: likelihood where models say it, and words in common."""
    told = [name for name in report.names if samples[0].rows[name].nll is not None]
    with drawing("distributions"):
        canvas = Canvas(figsize=(_WIDTH, 2.9), layout="constrained")
        panels = canvas.subplots(1, 2 if told else 1, squeeze=False)[0]
        for place, name in enumerate(report.names):
            rouge = [sample.rows[name].scores["rougeL"] for sample in samples]
            _spread(panels[0], rouge, name, series(place))
            if name in told:
                nats = [(sample.rows[name].nll or 0.0) / sample.tokens for sample in samples]
                _spread(panels[1], nats, name, series(place))
        _spread(panels[0], [sample.echo_rougeL for sample in samples], "echo", SOFT, "--")
        panels[0].set(xlabel="ROUGE-L of a text", ylabel="share of texts at most so much")
        if told:
            panels[1].set(xlabel="surprise by the real text, nats a token")
        panels[0].legend(loc="lower right", fontsize=9)
        for axes in panels:
            axes.set_ylim(0, 1)
            _quiet(axes)
        return inline(canvas, "Distribution of single texts' scores")


def sources(report: Report) -> Markup | None:
    """ROUGE-L of each model by source; None with a single source."""
    if len(report.sources) < 2:
        return None
    with drawing("sources"):
        canvas = Canvas(figsize=(_WIDTH, 0.9 + 0.4 * len(report.sources)), layout="constrained")
        axes = canvas.subplots()
        for place, name in enumerate(report.names):
            values = [row.scores[name]["rougeL"] for row in report.sources]
            axes.plot(
                values, range(len(values)), "o", color=series(place), label=name, markersize=7
            )
        labels = [f"{row.source} ({row.items})" for row in report.sources]
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.set_xlabel("ROUGE-L, by source (number of texts)")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
        axes.grid(axis="y", color=LINE, linewidth=0.6)
        _quiet(axes)
        return inline(canvas, "ROUGE-L by source")


def trend(label: str, times: Sequence[str], points: Sequence[tuple[float, float, float]]) -> Markup:
    """One figure of the last model over runs: value, low and high of each."""
    with drawing(f"trend {label}"):
        canvas = Canvas(figsize=(_WIDTH, 2.4), layout="constrained")
        axes = canvas.subplots()
        places = range(len(points))
        axes.fill_between(
            places, [p[1] for p in points], [p[2] for p in points], color=BAND, linewidth=0
        )
        axes.plot(places, [p[0] for p in points], "o-", color=series(1), markersize=5)
        axes.set_xticks(places, times, rotation=30, ha="right", fontsize=8)
        axes.set_ylabel(label)
        _quiet(axes)
        return inline(canvas, f"{label} over the runs")


def _column(canvas: Canvas, count: int) -> Sequence[Axes]:
    return [row[0] for row in canvas.subplots(count, 1, squeeze=False)]


def _difference(axes: Axes, figure: Line, change: Change) -> None:
    colour = SOFT
    if change.is_seen and figure.better != "neither":
        colour = series(1) if figure.improvement(change.value) > 0 else series(2)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.plot([change.low, change.high], [0, 0], color=colour, linewidth=3)
    axes.plot([change.value], [0], "o", color=colour, markersize=7)
    reach = 1.15 * max(abs(change.low), abs(change.high), abs(change.value), 1e-9)
    axes.set_xlim(-reach, reach)
    if figure.better == "lower":
        axes.invert_xaxis()  # better is always on the right
    axes.set_yticks([0], [figure.label])
    axes.set_ylim(-1, 1)
    axes.tick_params(axis="x", labelsize=8)
    axes.locator_params(axis="x", nbins=5)
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)


def _spread(axes: Axes, values: Sequence[float], label: str, colour: str, line: str = "-") -> None:
    """The share of texts with at most this value."""
    axes.ecdf(values, color=colour, label=label, linewidth=1.8, linestyle=line)


def _quiet(axes: Axes) -> None:
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)
