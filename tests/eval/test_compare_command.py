"""`onbrand eval compare`, `score`, `gate`, `history` and `rate`, as a person types them."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.people.questions import read_key
from eval.people.sheet import CSV_SHEET, HTML_SHEET
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from tests.eval.chat_server import Answer, running_chat_server
from tests.eval.command import folder_of, manifest_of, report_from, run
from tests.gateway_harness import free_port

Make = Callable[..., Workspace]


@pytest.fixture(scope="module")
def workspace(make_workspace: Make, captions: list[str]) -> Workspace:
    """With one report of base against tuned."""
    space = make_workspace(captions[:24], captions[24:60], batch_size=24)
    report_from(space)
    return space


def test_any_number_of_models_on_the_same_prompts(workspace: Workspace) -> None:
    theirs = workspace.root / "theirs.jsonl"
    theirs.write_text(
        "".join(
            json.dumps({"id": f"post-{n}", "text": "Fair winds, all."}) + "\n" for n in range(24)
        )
    )
    with running_chat_server() as server:
        report = report_from(
            workspace, "compare", "base", "tuned", "theirs.jsonl", f"sailor={server.url}"
        )
    assert report.names == ["base", "tuned", "theirs", "sailor"]
    assert report.kind == "comparison"
    assert report.value("sailor", "perplexity") is None
    assert report.value("theirs", "rougeL") is not None
    pairs = {(change.a, change.b) for change in report.changes if change.figure == "chrf"}
    assert len([pair for pair in pairs if set(pair) <= set(report.names)]) == 6
    assert any("not all asked alike" in note for note in report.notes)
    shown = run(workspace, "compare", "base", "tuned")
    assert shown.exit_code == 0
    assert "95% interval" in shown.stdout
    again = run(workspace, "compare", "base", "tuned")
    assert "up to date" in again.stderr


def test_a_judge_decides_between_models(workspace: Workspace) -> None:
    with running_chat_server(lambda request, count: Answer("0")) as server:
        report = report_from(
            workspace, "compare", "base", "tuned", "--judge", server.url, "--judge-texts", "5"
        )
    [row] = report.preferences
    assert (row.by, row.items, row.ties) == ("sailor-7b", 5, 5)
    assert len(server.asked) == 10
    folder = folder_of(workspace, "comparison")
    assert len((folder / "verdicts.jsonl").read_text().splitlines()) == 5


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        (("compare", "base"), UsageError, "at least two models"),
        (("compare", "base", "nothing-here"), UsageError, "There is no model nothing-here"),
        (("gate", "--min", "speed=1"), UsageError, "is no threshold"),
        (("gate", "--min", "rougeL=0", "--report", "gone"), OnbrandError, "no report gone"),
        (("rate", "--read", "gone.csv"), OnbrandError, "onbrand eval rate` first"),
        (("rate", "--between", "base,x"), UsageError, "it has base, tuned"),
    ],
)
def test_what_cannot_be_right_is_one_sentence(
    workspace: Workspace, words: tuple[str, ...], error: type[Exception], says: str
) -> None:
    result = run(workspace, *words)
    assert isinstance(result.exception, error)
    assert says in str(result.exception)
    assert "\n" not in str(result.exception)


def test_a_server_that_is_not_there_or_stays_busy(workspace: Workspace) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    gone = run(workspace, "compare", "base", url)
    assert f"No model answers at {url}" in str(gone.exception)
    toml = workspace.root / "brand.toml"
    before = toml.read_text()
    toml.write_text(before.replace("[eval]", "[eval]\npatience_seconds = 0.5"))
    try:
        busy = Answer("full", 503, {"Retry-After": "0.2"})
        with running_chat_server(lambda request, count: busy) as server:
            result = run(workspace, "compare", "base", server.url)
        assert "still answers 503 after" in str(result.exception)
        assert len(server.asked) > 1
    finally:
        toml.write_text(before)


def test_the_gate(workspace: Workspace) -> None:
    report = report_from(workspace)
    change = report.change("base", "tuned", "bits_per_byte")
    assert change is not None
    assert change.low > 0, "tuned on other texts, it is worse on these"
    backwards = ("gate", "--of", "base", "--over", "tuned")
    opened = run(workspace, *backwards, "--min", f"bits_per_byte={change.low - 0.001:.3f}")
    assert opened.exit_code == 0
    closed = run(
        workspace,
        *backwards,
        *("--min", f"bits_per_byte={change.low + 0.001:.3f}", "--min", "rougeL=-1"),
    )
    assert isinstance(closed.exception, OnbrandError)
    assert closed.exception.exit_code == 1
    assert str(closed.exception) == "The gate is closed (bits_per_byte)."
    alarmed = run(workspace, "gate", "--min", "rougeL=-1", "--no-alarms")
    assert (alarmed.exception is None) is (not report.alarms)


def test_history_lists_what_it_can_read(
    make_workspace: Make, workspace: Workspace, tmp_path: Path
) -> None:
    space = Workspace(Path(shutil.copytree(workspace.root, tmp_path / "brand")))
    first = folder_of(space)
    for day in ("20250101", "20250202"):
        shutil.copytree(first, first.with_name(f"{day}T000000Z-half-split"))
    old = first.with_name("20240101T000000Z-half-split")
    shutil.copytree(first, old)
    content = json.loads((old / "report.json").read_text())
    (old / "report.json").write_text(json.dumps({**content, "schema_version": 1}))
    result = run(space, "history")
    assert result.exit_code == 0
    assert "20250202T000000Z" in result.stdout
    assert "is a report of schema 1" in result.stderr
    page = (space.reports / "history.html").read_text()
    assert page.count("<svg") == 4
    assert len(json.loads(run(space, "history", "--json").stdout)) == 3
    for folder in space.reports.glob("*-half-split"):
        shutil.rmtree(folder)
    assert "onbrand eval" in str(run(space, "history").exception)


def test_people_rate_and_the_report_says_what_they_said(
    workspace: Workspace, tmp_path: Path
) -> None:
    space = Workspace(Path(shutil.copytree(workspace.root, tmp_path / "brand")))
    result = run(space, "rate", "--texts", "12")
    assert result.exit_code == 0
    folder = Path(result.stdout.splitlines()[0]).parent
    assert (folder / HTML_SHEET).is_file()
    key = {question.number: question for question in read_key(folder).questions}
    blank = (folder / CSV_SHEET).read_text(encoding="utf-8-sig")
    sheets = []
    for name in ("ann", "bo"):
        sheet = space.root / f"{name}.csv"
        with sheet.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["number", "answer", "rater"])
            for row in csv.DictReader(io.StringIO(blank, newline="")):
                question = key[int(row["number"])]
                writer.writerow(
                    [row["number"], "left" if question.left == "tuned" else "right", name]
                )
        sheets += ["--read", str(sheet)]
    manifest = manifest_of(run(space, "rate", *sheets, "--json"))
    report = manifest["details"]["report"]
    by_people = {(row["a"], row["b"]): row for row in report["preferences"]}
    assert by_people["base", "tuned"]["share_b"] == 1.0
    assert report["agreement"]["raters"] == 2
    assert "people" in (folder / "report.md").read_text()
    assert (folder / CSV_SHEET).exists(), "the sheets stay where they are"
    # Scored once more, what people said is still there.
    assert manifest_of(run(space, "score", "--json"))["details"]["report"] == report
