"""The whole of `build`, from what `scrape` leaves to a data set on disk."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from onbrand.artifact import Manifest, now, read_manifest, write_manifest
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from onbrand.record import read_records
from onbrand.workspace import Workspace
from scraper import raw
from scraper.build import build
from scraper.clean.rejected import Rejected

MakeWorkspace = Callable[[str], Workspace]
REPOSITORY = Path(__file__).parents[2]
TOML = '[social]\naccounts = ["brand"]\n[files]\npaths = ["site"]\n[clean]\nphone_region = "PK"\n'


def page(path: str, body: str) -> raw.Page:
    html = (
        f"<html><head><title>{path}</title></head><body><nav>Menu Shop</nav><main>{body}</main>"
        "<div>Sign up for our letter today</div><footer>Call 021-35063891</footer></body></html>"
    )
    return raw.Page(
        url=f"https://brand.example{path}",
        final_url=f"https://brand.example{path}",
        status=200,
        fetched_at=now(),
        content_hash=hashlib.sha256(html.encode()).hexdigest(),
        html=html,
    )


def post(number: int, text: str, author: str = "brand") -> raw.Post:
    return raw.Post(
        source="instagram",
        post_id=str(number),
        url=f"https://www.instagram.com/p/{number}/",
        text=text,
        author=author,
    )


def write_raw_folder(workspace: Workspace, seed: int = 0) -> None:
    """Raw data with every flaw; `seed` decides the order it lies in."""
    chance = random.Random(7)
    words = [f"word{n}" for n in range(400)]
    pages = [
        page(f"/{n}", "".join(f"<p>{' '.join(chance.choices(words, k=30))}.</p>" for _ in range(3)))
        for n in range(6)
    ]
    posts = [post(n, " ".join(chance.choices(words, k=20)) + " #Tea ☕") for n in range(40)]
    posts += [
        post(100, posts[0].text),
        post(101, posts[1].text + " indeed"),
        post(102, ""),
        post(103, "#Tea #Chai"),
        post(104, "We are somebody else entirely here", author="else"),
        post(105, "Ring 0300 1234567 or write to a@b.example, since 2003"),
    ]
    files = [
        raw.TextFile(path=f"site/{n}.txt", text=f"Header line\nTopic {n}\n{posts[n].text} x{n}")
        for n in range(10, 14)
    ]
    for items in (pages, posts, files):
        random.Random(seed).shuffle(items)  # type: ignore[arg-type]
    raw.write_raw(workspace.raw / raw.PAGES, pages)
    raw.write_raw(workspace.raw / raw.POSTS, posts)
    raw.write_raw(workspace.raw / raw.FILES, files)
    write_manifest(
        workspace.raw,
        Manifest(
            command="scrape", config_hash="", output_hash="r", started_at=now(), finished_at=now()
        ),
    )


def outputs(workspace: Workspace) -> tuple[bytes, bytes, str]:
    """What must be equal between two runs."""
    made = read_manifest(workspace.dataset)
    assert made is not None
    records = (workspace.clean / "records.jsonl").read_bytes()
    return records, (workspace.clean / "rejected.jsonl").read_bytes(), made.output_hash


def test_counts_add_up_and_every_drop_is_written_down(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(TOML)
    write_raw_folder(workspace)
    with notes.capture() as captured:
        outcome = build(workspace)
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
    lines = (workspace.clean / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    rejected = [Rejected.model_validate_json(line) for line in lines]
    assert {f"dropped.{item.step}" for item in rejected} == set(dropped)
    assert all(item.reason for item in rejected)
    report = captured.get()
    assert "too-short" in report
    assert "validation" in report
    records = list(read_records(workspace.clean / "records.jsonl"))
    texts = "\n".join(record.text for record in records)
    assert "Ring [phone] or write to [email], since 2003" in texts
    assert "Header line" not in texts
    assert "#Tea ☕" in texts
    assert {record.title for record in records if record.source == "file"} == {
        f"Topic {n}" for n in range(10, 14)
    }


def test_a_data_set_holds_the_records_and_its_card(make_workspace: MakeWorkspace) -> None:
    import datasets

    workspace = make_workspace(TOML)
    write_raw_folder(workspace)
    counts = build(workspace).manifest.counts
    loaded = datasets.load_from_disk(str(workspace.dataset))
    assert {name: len(loaded[name]) for name in loaded} == {
        name: counts[name] for name in ("train", "validation", "test")
    }
    assert (workspace.dataset / "README.md").is_file()


def test_without_any_holdout(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(TOML + "[dataset]\ntest_share = 0\nvalidation_share = 0\n")
    write_raw_folder(workspace)
    counts = build(workspace).manifest.counts
    assert (counts["train"], counts["validation"], counts["test"]) == (counts["kept"], 0, 0)


def test_nothing_is_repeated_until_something_changes(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(TOML)
    write_raw_folder(workspace)
    first = build(workspace)
    assert build(workspace) == type(first)(first.manifest, was_current=True)
    forced = build(workspace, force=True)
    assert not forced.was_current
    assert forced.manifest.output_hash == first.manifest.output_hash
    cleaned = read_manifest(workspace.clean)
    reseeded = build(make_workspace(TOML + "[dataset]\nseed = 14\n"))
    assert not reseeded.was_current
    assert reseeded.manifest.output_hash != first.manifest.output_hash
    assert read_manifest(workspace.clean) == cleaned  # the records did not depend on the seed
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


def test_a_full_disk_leaves_the_old_data_set_whole(make_workspace: MakeWorkspace) -> None:
    """A limit on the size of files stands for the full disk: both end a write with an OSError."""
    workspace = make_workspace(TOML)
    write_raw_folder(workspace)
    build(workspace)
    records = (workspace.clean / "records.jsonl").read_bytes()
    script = (
        "import resource, sys; from pathlib import Path; from onbrand.workspace import Workspace\n"
        "from scraper.build import build\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try:\n    build(Workspace(Path(sys.argv[1])), force=True)\n"
        "except OSError as error:\n    print('OSError', error.errno)\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", script, str(workspace.root)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("OSError"), done.stderr
    assert (workspace.clean / "records.jsonl").read_bytes() == records
    assert not list(workspace.root.rglob("*.partial"))
    build(workspace)
    assert (workspace.clean / "records.jsonl").read_bytes() == records


@pytest.mark.slow
def test_killed_in_the_middle_and_run_again(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(TOML)
    write_raw_folder(workspace)
    build(workspace)
    expected = outputs(workspace)
    script = (
        "import sys; from pathlib import Path; from onbrand.workspace import Workspace\n"
        "from scraper.build import build\n"
        "print('ready', flush=True)\n"
        "build(Workspace(Path(sys.argv[1])), force=True)"
    )
    kills = 0
    for moment in (0.1, 0.6, 1.5, 2.5):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(workspace.root)],
            cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        process.stdout.close()
        build(workspace)
        assert outputs(workspace) == expected
    assert kills >= 2


def test_a_file_of_records_that_was_deleted_is_made_again(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(TOML)
    write_raw_folder(workspace)
    build(workspace)
    expected = outputs(workspace)
    (workspace.clean / "records.jsonl").unlink()
    build(workspace)
    assert outputs(workspace) == expected
    assert json.loads((workspace.dataset / "manifest.json").read_text())["command"] == "build"
