"""`onbrand build --explain ID`: the story of one record, from the files a build leaves."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from onbrand.errors import OnbrandError, UsageError
from onbrand.record import record_id
from onbrand.workspace import Workspace
from scraper import raw
from scraper.build import build
from scraper.clean.rejected import read_rejected, write_rejected
from scraper.explain.show import lines
from scraper.explain.story import Story, explain
from tests.scraper.raw_folder import TOML, page, post, write_raw_folder

MakeWorkspace = Callable[[str], Workspace]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("explain"))
    (workspace.root / "brand.toml").write_text(TOML, encoding="utf-8")
    write_raw_folder(workspace)
    posts = list(raw.read_raw(workspace.raw / raw.POSTS, raw.Post))
    dated = post(
        200, "Sanâ€™s tea  house opens in Clifton\u00a0\u00a0today, come early"
    ).model_copy(update={"published_at": "2023-05-01T10:00:00+00:00", "likes": 4})
    dated_twin = dated.model_copy(update={"text": "A second copy of the very same post, dropped"})
    raw.write_raw(workspace.raw / raw.POSTS, [*posts, dated, dated_twin])
    moved = page("/moved", "<p>" + "The story of how we moved into the old mill by the river. " * 3)
    moved = moved.model_copy(update={"url": "https://brand.example/old-address"})
    pages = list(raw.read_raw(workspace.raw / raw.PAGES, raw.Page))
    raw.write_raw(workspace.raw / raw.PAGES, [*pages, moved])
    failed = raw.Failed(source="website", locator="https://brand.example/gone", reason="HTTP 410")
    raw.write_raw(workspace.raw / "website-failed.jsonl", [failed])
    build(workspace)
    return workspace


def instagram(number: int) -> str:
    return record_id("instagram", str(number))


def results(story: Story) -> dict[str, str]:
    return {step.step: step.result for step in story.steps}


def onbrand_build(workspace: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onbrand", "build", *arguments],
        cwd=workspace.root, capture_output=True, text=True,
    )  # fmt: skip


def text_of(story: Story) -> str:
    return "\n".join(line.plain for line in lines(story))


def test_a_kept_record(workspace: Workspace) -> None:
    story = explain(workspace, instagram(200))
    assert (story.outcome, story.split in ("train", "validation", "test")) == ("kept", True)
    assert story.found[0].facts["published_at"] == "2023-05-01T10:00:00+00:00"
    assert len(story.found) == 2
    assert story.same_place == 1
    assert story.dropped_in_its_favour == []  # a copy of its own place is no other text
    steps = {step.step: step for step in story.steps}
    (encoding,) = steps["encoding"].changes
    assert [(p.removed, p.added) for p in encoding.pieces] == [("Sanâ€™", "San’")]
    (spaces,) = steps["white-space"].changes
    assert [p.added for p in spaces.pieces] == [" ", " "]
    assert results(story)["contact-data"] == "unchanged"
    shown = text_of(story)
    assert "published 2023-05-01T10:00:00+00:00, by brand" in shown
    assert "[-Sanâ€™-]{+San’+}s tea" in shown
    assert r"Clifton[-\u00a0\u00a0-]{+·+}today" in shown
    assert f"Kept, in {story.split}." in shown


def test_contact_data_that_was_masked(workspace: Workspace) -> None:
    story = explain(workspace, instagram(105))
    (change,) = next(step for step in story.steps if step.step == "contact-data").changes
    replaced = {piece.removed: piece.added for piece in change.pieces}
    assert replaced == {"0300 1234567": "[phone]", "a@b.example": "[email]"}
    assert "Ring [-0300 1234567-]{+[phone]+} or write to" in text_of(story)


def test_page_furniture_that_was_removed(workspace: Workspace) -> None:
    story = explain(workspace, "site/10.txt")
    assert results(story)["repeated-blocks"] == "changed"
    assert "[-Header line↵-]" in text_of(story)
    assert story.found[0].place == "site/10.txt"
    assert "title: '' → 'Topic 10'" in text_of(story)


@pytest.mark.parametrize(
    ("number", "step", "reason"),
    [
        (102, "no-text", "it has no text"),
        (103, "too-short", "0 of 4 words"),
        (104, "other-account", "account else is not in social.accounts"),
    ],
)
def test_a_dropped_record_and_why(
    workspace: Workspace, number: int, step: str, reason: str
) -> None:
    story = explain(workspace, instagram(number))
    assert (story.outcome, story.dropped_by, story.split) == ("dropped", step, "")
    assert story.steps[-1].step == step
    assert story.steps[-1].result == "dropped"
    assert story.lost_against is None
    shown = text_of(story)
    assert f"Dropped by {step}: {reason}" in shown
    assert "Kept" not in shown


def test_the_duplicate_it_lost_against_and_the_other_way_round(workspace: Workspace) -> None:
    exact = {explain(workspace, instagram(n)).outcome: explain(workspace, instagram(n))
             for n in (0, 100)}  # fmt: skip
    lost, won = exact["dropped"], exact["kept"]
    assert lost.dropped_by == "exact-duplicate"
    assert lost.lost_against is not None
    assert (lost.lost_against.id, lost.lost_against.similarity) == (won.id, 1.0)
    assert [relative.id for relative in won.dropped_in_its_favour] == [lost.id]
    near = explain(workspace, instagram(1))
    assert near.dropped_by == "near-duplicate"
    assert near.lost_against is not None
    assert near.lost_against.id == instagram(101)
    assert f"(Jaccard {near.lost_against.similarity:.2f})" in near.reason
    assert 0.9 <= near.lost_against.similarity < 1
    assert f"{instagram(101)}  similarity" in text_of(near)


def test_no_reason_is_searched_for_ids(filled: Workspace) -> None:
    """However a reason is worded, and whatever a URL or an account in it is called."""
    build(filled)
    path = filled.clean / "rejected.jsonl"
    items = list(read_rejected(path))
    reworded = [item.model_copy(update={"reason": f"as {instagram(3)}"}) for item in items]
    write_rejected(path, reworded)
    assert explain(filled, instagram(3)).dropped_in_its_favour == []
    near = explain(filled, instagram(1))
    assert near.lost_against is not None
    assert near.lost_against.id == instagram(101)
    (loser,) = explain(filled, instagram(101)).dropped_in_its_favour
    assert loser.id == instagram(1)


def test_the_group_and_what_is_in_it(workspace: Workspace) -> None:
    story = explain(workspace, instagram(12))
    (other,) = story.group_members
    assert other.id == record_id("file", "site/12.txt")
    assert story.group_size == 2
    assert 0.7 <= other.similarity < 0.9
    assert explain(workspace, other.id).split == story.split
    assert "2 records, all in the same split" in text_of(story)


@pytest.mark.parametrize(
    "asked",
    [
        "{id}",
        "{prefix}",
        "https://www.instagram.com/p/200/",
        "https://www.instagram.com/p/200",
        "HTTPS://www.instagram.com/p/200/",
        "https://WWW.Instagram.com:443/p/200/#comments",
        "/p/200/",
        " {id} ",
    ],
)
def test_a_record_may_be_named_by_id_url_or_a_part(workspace: Workspace, asked: str) -> None:
    identifier = instagram(200)
    named = asked.format(id=identifier, prefix=identifier[:-3])
    assert explain(workspace, named).id == identifier


@pytest.mark.parametrize(
    "asked",
    ["https://brand.example/old-address/", "HTTPS://Brand.Example/old-address?utm_source=x#top"],
)
def test_a_page_may_be_named_by_the_address_it_was_asked_for(
    workspace: Workspace, asked: str
) -> None:
    story = explain(workspace, asked)
    assert story.url == "https://brand.example/moved"
    assert story.found[0].place == "https://brand.example/old-address"
    assert "redirected to https://brand.example/moved" in text_of(story)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("instagram-zzz", r"No record is called instagram-zzz; the nearest is instagram-"),
        ("https://brand.example/moven", r"the nearest is \S+ \(https://brand.example/moved\)\.$"),
        ("/p/10", r"/p/10 fits 7 records: .* and 4 more; give more of the id or URL\.$"),
        ("https://brand.example/gone", r"could not be read \(HTTP 410\)\.$"),
        ("https://Brand.example/gone#now", r"could not be read \(HTTP 410\)\.$"),
    ],
)
def test_what_names_no_record_is_one_sentence(
    workspace: Workspace, asked: str, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        explain(workspace, asked)
    assert "\n" not in str(caught.value)


def test_it_needs_a_build(make_workspace: MakeWorkspace) -> None:
    with pytest.raises(OnbrandError, match="run `onbrand build` first"):
        explain(make_workspace(TOML), "x")


def test_artifacts_that_no_longer_fit_are_noted(filled: Workspace) -> None:
    build(filled)
    assert explain(filled, instagram(3)).notes == []
    manifest = filled.raw / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"output_hash": "r"', '"output_hash": "s"'))
    (filled.dataset / "manifest.json").unlink()
    notes = explain(filled, instagram(3)).notes
    assert [note.split()[0] for note in notes] == ["raw/", "dataset/"]


def test_a_split_is_told_only_of_a_data_set_of_these_records(
    filled: Workspace, make_workspace: MakeWorkspace
) -> None:
    """Killed between cleaning and the data set: the one before says nothing of these records."""
    build(filled)
    before = shutil.copytree(filled.dataset, filled.root / "before")
    build(make_workspace(TOML + "min_words = 5\n"))
    shutil.rmtree(filled.dataset)
    before.rename(filled.dataset)
    story = explain(filled, instagram(3))
    assert (story.outcome, story.split) == ("kept", "")
    assert [note.split()[0] for note in story.notes] == ["dataset/"]
    assert "Kept, in no split yet." in text_of(story)


def test_a_data_set_that_cannot_be_read_is_one_sentence(filled: Workspace) -> None:
    build(filled)
    shutil.rmtree(filled.dataset / "train")
    with pytest.raises(OnbrandError, match=r"dataset is not a data set .* run `onbrand build --f"):
        explain(filled, instagram(3))


def test_through_the_command_line(workspace: Workspace) -> None:
    before = sorted((p, p.stat().st_mtime_ns) for p in workspace.dataset.rglob("*"))
    shown = onbrand_build(workspace, "--explain", "/p/105/")
    assert shown.returncode == 0, shown.stderr
    assert "[-0300 1234567-]{+[phone]+}" in shown.stdout
    as_json = onbrand_build(workspace, "--explain", instagram(105), "--json")
    assert Story.model_validate(json.loads(as_json.stdout)).outcome == "kept"
    for arguments, sentence in {
        ("--explain", "nothing"): "No record is called nothing;",
        ("--explain", ""): "--explain needs an id, a URL, or a part of either.",
        ("--explain", " /"): "--explain needs an id, a URL, or a part of either.",
        ("--explain", "/p/105/", "--force"): "repeats nothing; omit --force.",
    }.items():
        refused = onbrand_build(workspace, *arguments)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert sentence in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert sorted((p, p.stat().st_mtime_ns) for p in workspace.dataset.rglob("*")) == before


def test_the_story_of_a_record_shows_no_markup_of_its_text(filled: Workspace) -> None:
    posts = list(raw.read_raw(filled.raw / raw.POSTS, raw.Post))
    raw.write_raw(
        filled.raw / raw.POSTS,
        [*posts, post(300, "Come  to the [red]shop[/red] and [/b] see our kettles")],
    )
    build(filled)
    assert "[red]shop[/red] and" not in text_of(explain(filled, "/p/300/"))
    done = onbrand_build(filled, "--explain", "/p/300/")
    assert done.returncode == 0, done.stderr
