"""The tables in a terminal of eighty columns: no number is broken, whatever models are called."""

import io

import pytest
from rich.console import Console

from eval.report import table
from tests.eval.report.sample_report import generated, report_of

LONG = "a-rather-long-name-of-a-model-32b"


def printed(names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, times: float = 1) -> str:
    report, _ = report_of(generated(names=names))
    values = report.model_dump(mode="json") | {"alarms": []}
    for row in values["scores"].values():
        for figure in ("perplexity", "perplexity_no_hashtags"):
            if figure in row:
                row[figure]["value"] *= times
    for change in values["changes"]:
        if change["figure"].startswith("perplexity"):
            change.update({key: change[key] * times for key in ("value", "low", "high")})
    stream = io.StringIO()
    monkeypatch.setattr(table, "results", Console(file=stream, width=80, highlight=False))
    table.print_table({"report": values, "folder": "x"})
    return stream.getvalue()


@pytest.mark.parametrize("times", [1, 60])
def test_two_models_stand_side_by_side(monkeypatch: pytest.MonkeyPatch, times: float) -> None:
    text = printed(("base", "tuned"), monkeypatch, times)
    assert text.count("Perplexity") == 1
    assert text.count("95% interval") == 1
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("names", [("base", LONG), ("base", LONG, f"{LONG}-2", "tuned")])
def test_what_is_too_wide_is_printed_in_parts(
    names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = printed(names, monkeypatch)
    heads = [line for line in text.splitlines() if line.startswith("      ")]
    for name in names:
        assert any(name in head.split() for head in heads), f"{name} heads a column, unbroken"
    assert max(map(len, text.splitlines())) <= 80
    for figure in ("Perplexity", "Bits per byte", "ROUGE-Lsum", "BLEU, sacrebleu"):
        assert f" {figure} " in text
