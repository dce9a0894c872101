"""`report.html`: the whole report in one file that asks for nothing else, light and dark."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from eval.report import plots
from eval.report.figures import BY_KEY, FIGURES, Figure, show_p
from eval.report.highlights import highlight
from eval.report.pages import page
from eval.report.samples import best_and_worst
from eval.report.schema import Change, PreferenceRow, Report, Sample, Score
from eval.report.sentences import LIMITS, agreement_sentence, headline, title_of

HTML_NAME = "report.html"


def render_html(report: Report, samples: Sequence[Sample]) -> str:
    """The whole page."""
    here = Path(__file__)
    best, worst = best_and_worst(samples, report.names[-1])
    groups = [("Closest to what the brand wrote", best), ("Furthest from it", worst)]
    subset_figures = list(report.subsets[0].figures) if report.subsets else []
    seed_figures = list(report.seeds[0].figures) if report.seeds else []
    source_figures = list(report.sources[0].scores[report.names[0]]) if report.sources else []
    return page(
        here.with_name("report.html.j2"),
        style=here.with_name("report.css").read_text(encoding="utf-8"),
        title=title_of(report),
        lead=headline(report),
        limits=LIMITS,
        report=report,
        table=[_line(report, figure) for figure in shown_figures(report)],
        pairs=[_pair(report, a, b) for a, b in combinations(report.names, 2)],
        tone_plot=plots.tone(report),
        distributions=plots.distributions(report, samples),
        sources_plot=plots.sources(report),
        source_figures=[BY_KEY[key] for key in source_figures],
        source_rows=[
            {
                "source": row.source,
                "texts": row.items,
                "name": name,
                "cells": _cells(row.scores[name], source_figures),
            }
            for row in report.sources
            for name in report.names
        ],
        seed_figures=[BY_KEY[key] for key in seed_figures],
        seed_rows=[
            {
                "row": row.row,
                "seed": row.seed,
                "stopped": row.stopped,
                "cells": _cells(row.figures, seed_figures),
            }
            for row in report.seeds
        ],
        subset_figures=[BY_KEY[key] for key in subset_figures],
        subset_rows=[
            {
                "seed": row.seed,
                "texts": row.items,
                "cells": [BY_KEY[k].show_difference(row.figures[k]) for k in subset_figures],
            }
            for row in report.subsets
        ],
        preferences=[_preference(row) for row in report.preferences],
        agreement=agreement_sentence(report.agreement) if report.agreement else "",
        samples=[
            {"title": title, "samples": [_sample(sample, report.names) for sample in chosen]}
            for title, chosen in groups
            if chosen
        ],
        signatures=[score.signature for row in report.scores.values() for score in row.values()],
    )


def shown_figures(report: Report) -> list[Figure]:
    """Those that some model has, in the table's order."""
    return [
        figure
        for figure in FIGURES
        if any(report.value(name, figure.key) is not None for name in report.names)
    ]


def _line(report: Report, figure: Figure) -> dict[str, Any]:
    rows = [*report.names, *report.nulls]
    return {
        "figure": figure,
        "cells": [_cell(report.scores[row].get(figure.key), figure) for row in rows],
    }


def _cell(score: Score | None, figure: Figure) -> dict[str, str] | None:
    if score is None:
        return None
    interval = f"{figure.show(score.low)} … {figure.show(score.high)}"
    return {
        "value": figure.show(score.value),
        "interval": "" if score.low == score.high else interval,
        "signature": score.signature,
    }


def _pair(report: Report, a: str, b: str) -> dict[str, Any]:
    found = [(f, c) for f in FIGURES if (c := report.change(a, b, f.key)) is not None]
    return {
        "a": a,
        "b": b,
        "plot": plots.differences(report, a, b),
        "rows": [_difference(report, figure, change) for figure, change in found],
    }


def _difference(report: Report, figure: Figure, change: Change) -> dict[str, Any]:
    verdict = ""
    if change.is_seen and figure.better != "neither":
        verdict = "better" if figure.improvement(change.value) > 0 else "worse"
    return {
        "figure": figure,
        "verdict": verdict,
        "before": figure.show(report.value(change.a, change.figure)),
        "after": figure.show(report.value(change.b, change.figure)),
        "value": figure.show_difference(change.value),
        "low": figure.show_difference(change.low),
        "high": figure.show_difference(change.high),
        "p_bootstrap": show_p(change.p_bootstrap),
        "p_randomisation": show_p(change.p_randomisation),
        "visible": figure.show(change.visible),
    }


def _cells(values: Mapping[str, float], keys: Sequence[str]) -> list[str]:
    return [BY_KEY[key].show(values.get(key)) for key in keys]


def _preference(row: PreferenceRow) -> dict[str, Any]:
    def percent(share: float | None) -> str:
        return "–" if share is None else f"{100 * share:.0f}%"

    return {
        "by": row.by,
        "cells": [
            f"{row.a}, {row.b}",
            row.items,
            percent(row.share_b),
            f"{percent(row.low)} … {percent(row.high)}",
            show_p(row.p),
            f"{row.b_wins} : {row.a_wins} : {row.ties}",
            percent(row.first_answers),
            percent(row.longer_share_b),
            percent(row.longer_agreement),
        ],
    }


def _sample(sample: Sample, names: Sequence[str]) -> dict[str, Any]:
    return {
        "id": sample.id,
        "source": sample.source,
        "first_half": sample.first_half.strip(),
        "second_half": sample.second_half.strip(),
        "columns": [
            {
                "name": name,
                "rougeL": BY_KEY["rougeL"].show(sample.rows[name].scores["rougeL"]),
                "pieces": highlight(
                    sample.rows[name].exact.strip(), sample.second_half, sample.rows[name].copied
                ),
            }
            for name in names
        ],
    }
