import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.evaluate import evaluate, newest_report, print_table
from eval.figures import FIGURES
from eval.report import REPORT_NAME, Report, parse_report, read_samples
from eval.scores import overlap
from onbrand.artifact import MANIFEST_NAME, Outcome
from onbrand.console import results
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

MakeWorkspace = Callable[[list[str]], Workspace]


def report_of(workspace: Workspace, outcome: Outcome) -> Report:
    folder = workspace.root / outcome.manifest.details["folder"]
    return parse_report(json.loads((folder / REPORT_NAME).read_text()), folder)


def without_times(folder: Path) -> list[str]:
    texts = [(folder / name).read_text() for name in ("report.json", "samples.jsonl", "report.md")]
    return [re.sub(r'"created_at": "[^"]+"', "", text) for text in texts]


def held_out(texts: list[str]) -> list[str]:
    """Ten posts, one too short, one of hardly anything but hashtags, one in Urdu."""
    return [*texts[-10:], "Tea.", "Come in! " + " #saltair" * 9, "☕ چائے اور بارش"]


@pytest.fixture
def workspace(make_workspace: MakeWorkspace, texts: list[str]) -> Workspace:
    """A workspace that was never evaluated."""
    return make_workspace(held_out(texts))


@pytest.fixture(scope="module")
def evaluated(
    make_workspace: MakeWorkspace, texts: list[str], base_folder: Path
) -> tuple[Workspace, Outcome]:
    """A workspace after its first evaluation; tests only read it."""
    workspace = make_workspace(held_out(texts))
    return workspace, evaluate(workspace, base_folder)


def test_base_and_tuned_side_by_side(evaluated: tuple[Workspace, Outcome]) -> None:
    workspace, outcome = evaluated
    assert not outcome.was_current
    report = report_of(workspace, outcome)
    assert report.data.items == 12
    assert report.data.too_short == ["post-10"]
    assert report.data.too_short_no_hashtags == ["post-11"]

    for figure in FIGURES:
        base, tuned = report.value("base", figure.key), report.value("tuned", figure.key)
        assert base is not None
        assert tuned is not None
        change = report.change_percent[figure.key]
        assert change is None if base == 0 else change == pytest.approx(100 * (tuned - base) / base)
    assert (
        report.scores["tuned"]["perplexity"].value < 0.5 * report.scores["base"]["perplexity"].value
    )
    assert report.scores["tuned"]["rouge1"].value > report.scores["base"]["rouge1"].value
    assert report.value("echo", "perplexity") is None

    folder = workspace.root / outcome.manifest.details["folder"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [MANIFEST_NAME, "report.json", "report.md", "samples.jsonl"]
    )
    samples = read_samples(folder / "samples.jsonl")
    references = [sample.second_half for sample in samples]
    for row, continuations in {
        "tuned": [sample.tuned for sample in samples],
        "base": [sample.base for sample in samples],
        "echo": [sample.first_half for sample in samples],
    }.items():
        found = {key: report.value(row, key) for key in overlap(references, continuations)}  # type: ignore[arg-type]
        assert found == overlap(references, continuations)


def test_every_score_says_how_it_was_computed(evaluated: tuple[Workspace, Outcome]) -> None:
    report = report_of(*evaluated)
    for row, scores in report.scores.items():
        for figure, score in scores.items():
            parts = dict(part.split(":", 1) for part in score.signature.split("|")[1:])
            assert score.signature.startswith(f"{figure}|")
            assert parts["split"] == "half"
            assert parts["dtype"] in {"float32", "bfloat16"}
            assert parts["torch"] == report.versions["torch"]
            assert parts["items"] == ("11" if figure == "perplexity_no_hashtags" else "12")
            if not figure.startswith("perplexity"):
                assert parts["decode"] == ("echo" if row == "echo" else "greedy-exact-length")
                assert report.data.hash.startswith(parts["data"])


def test_up_to_date_until_something_changes(workspace: Workspace, base_folder: Path) -> None:
    first = evaluate(workspace, base_folder)
    again = evaluate(workspace, base_folder)
    assert again.was_current
    assert again.manifest == first.manifest

    (workspace.root / "brand.toml").write_text(
        '[brand]\nname = "Saltair"\n[eval]\nmax_samples = 5\n'
    )
    fewer = evaluate(Workspace(workspace.root), base_folder)
    assert not fewer.was_current
    assert fewer.manifest.counts["items"] + fewer.manifest.counts["too_short"] == 5


def test_what_is_up_to_date_needs_no_torch(
    evaluated: tuple[Workspace, Outcome], base_folder: Path
) -> None:
    workspace, _ = evaluated
    code = (
        "import sys; from pathlib import Path; from eval.evaluate import evaluate, print_table; "
        "from onbrand.workspace import Workspace; "
        "outcome = evaluate(Workspace(Path(sys.argv[1])), Path(sys.argv[2])); "
        "print_table(outcome.manifest.details); assert outcome.was_current; "
        "assert not {'torch', 'transformers', 'nltk', 'datasets'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(workspace.root), str(base_folder)],
        cwd=Path(__file__).parents[2],
        check=True,
    )


def test_forced_again_it_finds_the_same_to_the_last_byte(
    workspace: Workspace, base_folder: Path
) -> None:
    first = workspace.root / evaluate(workspace, base_folder).manifest.details["folder"]
    kept = without_times(first)
    shutil.rmtree(first)
    outcome = evaluate(workspace, base_folder, force=True)
    assert not outcome.was_current
    assert without_times(workspace.root / outcome.manifest.details["folder"]) == kept


@pytest.mark.slow
def test_killed_and_run_again_it_goes_on(
    make_workspace: MakeWorkspace, base_folder: Path, texts: list[str]
) -> None:
    workspace = make_workspace(texts[-10:])
    code = (
        "import sys; from pathlib import Path; from eval.evaluate import evaluate; "
        "from onbrand.workspace import Workspace; "
        "evaluate(Workspace(Path(sys.argv[1])), Path(sys.argv[2]))"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(workspace.root), str(base_folder)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
    )
    cache = workspace.reports / "cache"
    while not list(cache.glob("*.jsonl")):
        assert run.poll() is None
        time.sleep(0.005)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert newest_report(workspace) is None
    [kept] = cache.glob("*.jsonl")
    before = kept.read_text()

    resumed = evaluate(workspace, base_folder)
    assert kept.read_text().startswith(before[: before.rfind("\n")])
    keys = [json.loads(line)["key"] for line in kept.read_text().splitlines() if line.strip("\0 ")]
    assert len(keys) == len(set(keys))
    folder = workspace.root / resumed.manifest.details["folder"]
    texts_resumed = without_times(folder)
    shutil.rmtree(folder)
    whole = evaluate(workspace, base_folder, force=True)
    assert without_times(workspace.root / whole.manifest.details["folder"]) == texts_resumed
    assert whole.manifest.output_hash == resumed.manifest.output_hash


def test_the_table_names_every_figure(evaluated: tuple[Workspace, Outcome]) -> None:
    _, outcome = evaluated
    with results.capture() as captured:
        print_table(outcome.manifest.details)
    printed = captured.get()
    assert all(figure.label.split()[0] in printed for figure in FIGURES)
    assert "echo" in printed
    assert all(len(line) <= 80 for line in printed.splitlines())


def test_a_report_of_another_schema_is_refused(evaluated: tuple[Workspace, Outcome]) -> None:
    details = evaluated[1].manifest.model_copy(deep=True).details
    details["report"]["schema_version"] = 0
    with pytest.raises(OnbrandError, match="schema 1"):
        print_table(details)


def test_without_a_data_set(workspace: Workspace, base_folder: Path) -> None:
    shutil.rmtree(workspace.dataset)
    with pytest.raises(OnbrandError, match="onbrand build"):
        evaluate(workspace, base_folder)


def test_an_empty_test_split(make_workspace: MakeWorkspace, base_folder: Path) -> None:
    with pytest.raises(OnbrandError, match=r"test split .* is empty"):
        evaluate(make_workspace([]), base_folder)


def test_only_texts_that_are_too_short(make_workspace: MakeWorkspace, base_folder: Path) -> None:
    with pytest.raises(OnbrandError, match=r"All 2 test texts .* too short"):
        evaluate(make_workspace(["Tea.", "Hi!"]), base_folder)


def test_before_merge(workspace: Workspace, base_folder: Path) -> None:
    shutil.rmtree(workspace.merged)
    with pytest.raises(OnbrandError, match=r"models/merged.*onbrand merge"):
        evaluate(workspace, base_folder)


def test_a_merged_model_with_another_tokenizer(workspace: Workspace, base_folder: Path) -> None:
    path = workspace.merged / "chat_template.jinja"
    path.write_text(path.read_text().replace("<|im_start|>", "[START]"))
    with pytest.raises(OnbrandError, match="differ"):
        evaluate(workspace, base_folder)
