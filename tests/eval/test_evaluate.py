import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.evaluate import evaluate
from eval.report.figures import FIGURES
from eval.report.samples import read_samples
from eval.report.schema import REPORT_NAME, Report, parse_report
from eval.report.table import print_table
from eval.scores import overlap
from onbrand.artifact import MANIFEST_NAME, Outcome
from onbrand.console import results
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

MakeWorkspace = Callable[[list[str]], Workspace]


def report_of(workspace: Workspace, outcome: Outcome) -> Report:
    folder = workspace.root / outcome.manifest.details["folder"]
    return parse_report(json.loads((folder / REPORT_NAME).read_text()), folder)


FILES = (
    "outputs.jsonl",
    "report.html",
    "report.json",
    "report.md",
    "samples.jsonl",
    "setup.json",
    "split.jsonl",
    "train.jsonl",
)


def without_times(folder: Path) -> list[str]:
    texts = [(folder / name).read_text() for name in FILES]
    return [re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", "", text) for text in texts]


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
    assert report.names == ["base", "tuned"]
    assert report.data.items == 12
    assert report.data.too_short == ["post-10"]
    assert report.data.too_short_no_hashtags == ["post-11"]

    for figure in FIGURES:
        base, tuned = report.value("base", figure.key), report.value("tuned", figure.key)
        change = report.change("base", "tuned", figure.key)
        assert base is not None
        assert tuned is not None
        assert change is not None
        assert change.value == pytest.approx(tuned - base)
    perplexity = report.change("base", "tuned", "perplexity")
    assert perplexity is not None
    assert perplexity.high < 0
    assert perplexity.p_bootstrap < 0.05
    assert report.scores["tuned"]["rouge1"].value > report.scores["base"]["rouge1"].value

    folder = workspace.root / outcome.manifest.details["folder"]
    assert sorted(path.name for path in folder.iterdir()) == sorted([MANIFEST_NAME, *FILES])
    samples = read_samples(folder / "samples.jsonl")
    references = [sample.second_half for sample in samples]
    for row in ("base", "tuned"):
        expected = overlap(references, [sample.rows[row].exact for sample in samples])
        for figure in ("bleu", "chrf", "rougeL", "distinct_2"):
            assert report.value(row, figure) == expected[figure]
    settings = report.models[0].settings
    assert settings == {"dtype": "float32", "device": "cpu", "batch": 4}
    assert str(workspace.root) not in (folder / "report.html").read_text()


def test_texts_too_few_to_claim_anything_are_said_to_be(
    evaluated: tuple[Workspace, Outcome],
) -> None:
    faults = {alarm.fault for alarm in report_of(*evaluated).alarms}
    assert "sample too small for its claim" in faults
    assert "right padding" not in faults
    assert "prompt scored" not in faults


def test_scoring_again_needs_no_model_and_finds_the_same(
    evaluated: tuple[Workspace, Outcome], base_folder: Path, tmp_path: Path
) -> None:
    """Not even the tokenizer, and the data set neither."""
    workspace = Workspace(Path(shutil.copytree(evaluated[0].root, tmp_path / "brand")))
    folder = workspace.root / evaluated[1].manifest.details["folder"]
    shutil.rmtree(workspace.merged)
    shutil.rmtree(workspace.dataset)
    before = without_times(folder)
    code = (
        "import sys; from pathlib import Path; from eval.evaluate import score_again; "
        "from onbrand.workspace import Workspace; "
        "score_again(Workspace(Path(sys.argv[1])), Path(sys.argv[2])); "
        "assert not {'torch', 'transformers', 'tokenizers'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", code, str(workspace.root), str(folder)]
    subprocess.run(command, cwd=Path(__file__).parents[2], check=True)
    assert without_times(folder) == before


def test_up_to_date_until_something_changes(workspace: Workspace, base_folder: Path) -> None:
    first = evaluate(workspace, base_folder)
    again = evaluate(workspace, base_folder)
    assert again.was_current
    assert again.manifest == first.manifest

    (workspace.root / "brand.toml").write_text(
        '[brand]\nname = "Saltair"\n[eval]\nmax_samples = 5\nsampled = 0\n'
    )
    fewer = evaluate(Workspace(workspace.root), base_folder)
    assert not fewer.was_current
    assert fewer.manifest.counts["items"] + fewer.manifest.counts["too_short"] == 5


def test_what_is_up_to_date_needs_no_torch(
    evaluated: tuple[Workspace, Outcome], base_folder: Path
) -> None:
    workspace, _ = evaluated
    code = (
        "import sys; from pathlib import Path; from eval.evaluate import evaluate; "
        "from eval.report.table import print_table; "
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


def test_the_table_names_every_figure(evaluated: tuple[Workspace, Outcome]) -> None:
    _, outcome = evaluated
    with results.capture() as captured:
        print_table(outcome.manifest.details)
    printed = captured.get()
    assert all(figure.label.split()[0] in printed for figure in FIGURES)
    assert "echo" in printed
    assert "95% interval" in printed
    assert all(len(line) <= 80 for line in printed.splitlines())


def test_a_report_of_another_schema_is_refused(evaluated: tuple[Workspace, Outcome]) -> None:
    details = evaluated[1].manifest.model_copy(deep=True).details
    details["report"]["schema_version"] = 0
    with pytest.raises(OnbrandError, match="reads schema 2"):
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
