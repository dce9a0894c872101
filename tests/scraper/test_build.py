"""The whole of `build`, from what `scrape` leaves to a data set on disk."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from onbrand.artifact import read_manifest
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from onbrand.record import read_records
from onbrand.workspace import Workspace
from scraper.build import build
from scraper.clean.rejected import Rejected, StepCount
from scraper.clean.steps import MEANING
from scraper.dataset.files import DATASET_FILES
from tests.scraper.raw_folder import TOML, write_raw_folder

MakeWorkspace = Callable[[str], Workspace]
REPOSITORY = Path(__file__).parents[2]


def outputs(workspace: Workspace) -> dict[str, bytes]:
    """What must be equal between two runs: every byte but the times in the manifests."""
    assert read_manifest(workspace.dataset) is not None
    return {
        str(path.relative_to(workspace.root)): path.read_bytes()
        for folder in (workspace.clean, workspace.dataset)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


def test_counts_add_up_and_every_drop_is_written_down(filled: Workspace) -> None:
    with notes.capture() as captured:
        outcome = build(filled)
    counts = outcome.manifest.counts
    came_in = {name: count for name, count in counts.items() if name.startswith("in.")}
    dropped = {name: count for name, count in counts.items() if name.startswith("dropped.")}
    assert came_in == {"in.website": 6, "in.instagram": 46, "in.file": 4}
    assert dropped == {
        "dropped.exact-duplicate": 1,
        "dropped.near-duplicate": 1,
        "dropped.no-text": 1,
        "dropped.too-short": 1,
        "dropped.other-account": 1,
    }
    assert counts["kept"] == 56 - 5 == sum(counts[s] for s in ("train", "validation", "test"))
    lines = (filled.clean / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    rejected = [Rejected.model_validate_json(line) for line in lines]
    assert {f"dropped.{item.step}" for item in rejected} == set(dropped)
    assert all(item.reason for item in rejected)
    report = captured.get()
    assert "too-short" in report
    assert "validation" in report
    records = list(read_records(filled.clean / "records.jsonl"))
    texts = "\n".join(record.text for record in records)
    assert "Ring [phone] or write to [email], since 2003" in texts
    assert "Header line" not in texts
    assert "#Tea ☕" in texts
    assert {record.title for record in records if record.source == "file"} == {
        f"Topic {n}" for n in range(10, 14)
    }


def test_a_data_set_holds_the_records_and_its_card(filled: Workspace) -> None:
    import datasets

    counts = build(filled).manifest.counts
    loaded = datasets.load_from_disk(str(filled.dataset))
    assert {name: len(loaded[name]) for name in loaded} == {
        name: counts[name] for name in ("train", "validation", "test")
    }
    assert {path.name for path in filled.dataset.iterdir()} == {
        "README.md", "dataset_dict.json", "manifest.json", "preview.html", "statistics.json",
        "train", "validation", "test",
    }  # fmt: skip


def test_each_step_is_counted_in_manifest_report_card_and_statistics(filled: Workspace) -> None:
    with notes.capture() as captured:
        manifest = build(filled).manifest
    steps = [StepCount.model_validate(step) for step in manifest.details["steps"]]
    assert {step.step for step in steps} == set(MEANING)
    first, *_ = steps
    assert first.came_in == {"file": 4, "instagram": 46, "website": 6}
    for step, following in itertools.pairwise(steps):
        assert Counter(step.came_in) - Counter(step.dropped) == Counter(following.came_in)
        assert set(step.changed) <= set(step.came_in)
    dropped = {step.step: sum(step.dropped.values()) for step in steps if step.dropped}
    assert dropped == {
        name.removeprefix("dropped."): count
        for name, count in manifest.counts.items()
        if name.startswith("dropped.")
    }
    balance = {step.step: step for step in steps}
    assert balance["contact-data"].changed == {"instagram": 1}
    assert balance["repeated-blocks"].changed["file"] == 4
    report = captured.get()
    card = (filled.dataset / "README.md").read_text(encoding="utf-8")
    statistics = json.loads((filled.dataset / "statistics.json").read_text(encoding="utf-8"))
    assert statistics["steps"] == manifest.details["steps"]
    for step in steps:
        assert step.step in report
        assert f"| {step.step} |" in card
    assert "instagram 1" in report
    assert "| 1 (instagram 1) |" in card


def test_a_change_in_what_was_dropped_makes_the_data_set_again(
    filled: Workspace, make_workspace: MakeWorkspace
) -> None:
    """Killed between cleaning and the data set: preview and card must not stay behind."""
    build(filled)
    made = outputs(filled)
    build(make_workspace(TOML + "min_words = 5\n"))
    kept = shutil.copytree(filled.clean, filled.root / "clean-of-5-words")
    build(make_workspace(TOML))
    assert outputs(filled) == made
    shutil.rmtree(filled.clean)
    kept.rename(filled.clean)
    assert not build(make_workspace(TOML + "min_words = 5\n")).was_current
    assert "5 words (hashtags" in (filled.dataset / "preview.html").read_text(encoding="utf-8")


def test_without_any_holdout(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(TOML + "[dataset]\ntest_share = 0\nvalidation_share = 0\n")
    write_raw_folder(workspace)
    counts = build(workspace).manifest.counts
    assert (counts["train"], counts["validation"], counts["test"]) == (counts["kept"], 0, 0)


def test_nothing_is_repeated_until_something_changes(
    filled: Workspace, make_workspace: MakeWorkspace
) -> None:
    first = build(filled)
    assert build(filled) == type(first)(first.manifest, was_current=True)
    forced = build(filled, force=True)
    assert not forced.was_current
    assert forced.manifest.output_hash == first.manifest.output_hash
    cleaned = read_manifest(filled.clean)
    reseeded = build(make_workspace(TOML + "[dataset]\nseed = 14\n"))
    assert not reseeded.was_current
    assert reseeded.manifest.output_hash != first.manifest.output_hash
    assert read_manifest(filled.clean) == cleaned  # the records did not depend on the seed
    assert not build(make_workspace(TOML + "min_words = 5\n")).was_current


def test_the_order_of_the_raw_files_does_not_matter(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(TOML)
    write_raw_folder(workspace, seed=1)
    build(workspace)
    expected = outputs(workspace)
    write_raw_folder(workspace, seed=2)
    build(workspace, force=True)
    assert outputs(workspace) == expected


def test_several_accounts_are_noted_when_none_is_named(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace('[files]\npaths = ["site"]\n')
    write_raw_folder(workspace)
    with notes.capture() as captured:
        counts = build(workspace).manifest.counts
    said = " ".join(captured.get().split())
    assert "social.accounts" in said
    assert "brand (45), else (1)" in said
    assert "dropped.other-account" not in counts


def test_without_a_scrape(make_workspace: MakeWorkspace) -> None:
    with pytest.raises(OnbrandError, match="run `onbrand scrape` first"):
        build(make_workspace(TOML))


def test_an_unknown_phone_region(make_workspace: MakeWorkspace) -> None:
    with pytest.raises(UsageError, match=r"clean\.phone_region = 'Pakistan'"):
        build(make_workspace('[clean]\nphone_region = "Pakistan"\n'))


def test_an_empty_data_set_says_what_came_in_and_why_it_went(
    make_workspace: MakeWorkspace,
) -> None:
    workspace = make_workspace("[clean]\nmin_words = 1000\n")
    write_raw_folder(workspace)
    with pytest.raises(OnbrandError) as caught:
        build(workspace)
    said = str(caught.value)
    assert "0 records in 0 near-duplicate groups are left" in said
    assert "56 texts came in (dropped: 55 too-short, 1 no-text; see clean/rejected.jsonl)" in said
    assert not workspace.dataset.exists()


def test_a_full_disk_leaves_the_old_data_set_whole(filled: Workspace) -> None:
    """A limit on the size of files stands for the full disk: both end a write with an OSError."""
    build(filled)
    records = (filled.clean / "records.jsonl").read_bytes()
    script = (
        "import resource, sys; from pathlib import Path; from onbrand.workspace import Workspace\n"
        "from scraper.build import build\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try:\n    build(Workspace(Path(sys.argv[1])), force=True)\n"
        "except OSError as error:\n    print('OSError', error.errno)\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", script, str(filled.root)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("OSError"), done.stderr
    assert (filled.clean / "records.jsonl").read_bytes() == records
    assert not list(filled.root.rglob("*.partial"))
    build(filled)
    assert (filled.clean / "records.jsonl").read_bytes() == records


@pytest.mark.slow
def test_killed_in_the_middle_and_run_again(filled: Workspace) -> None:
    build(filled)
    expected = outputs(filled)
    script = (
        "import sys; from pathlib import Path; from onbrand.workspace import Workspace\n"
        "from scraper.build import build\n"
        "print('ready', flush=True)\n"
        "build(Workspace(Path(sys.argv[1])), force=True)"
    )
    kills = 0
    for moment in (0.1, 0.6, 1.5, 2.5):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(filled.root)],
            cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        process.stdout.close()
        build(filled)
        assert outputs(filled) == expected
    assert kills >= 2


def test_a_file_of_records_that_was_deleted_is_made_again(filled: Workspace) -> None:
    build(filled)
    expected = outputs(filled)
    (filled.clean / "records.jsonl").unlink()
    build(filled)
    assert outputs(filled) == expected
    assert json.loads((filled.dataset / "manifest.json").read_text())["command"] == "build"


def test_any_file_of_the_data_set_that_was_deleted_is_made_again(filled: Workspace) -> None:
    build(filled)
    expected = outputs(filled)
    names = {str(p.relative_to(filled.dataset)) for p in filled.dataset.rglob("*.*")}
    assert names == {*DATASET_FILES, "manifest.json"}
    for name in names:
        (filled.dataset / name).unlink()
        assert not build(filled).was_current, name
        assert outputs(filled) == expected
    assert build(filled).was_current


def test_damaged_input_is_named_and_costs_no_earlier_build(filled: Workspace) -> None:
    build(filled)
    before = outputs(filled)
    with (filled.raw / "pages.jsonl.gz").open("ab") as pages:
        pages.write(b"x")
    with pytest.raises(OnbrandError, match=r"pages\.jsonl\.gz is damaged; run `onbrand scrape"):
        build(filled, force=True)
    assert outputs(filled) == before
    assert read_manifest(filled.clean) is not None
