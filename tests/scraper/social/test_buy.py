"""Buying posts again and again: only what is new, joined with what is at hand."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onbrand.artifact import read_manifest
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace
from scraper import raw
from scraper.scrape import scrape
from scraper.social.bought import APIFY_RUNS, BOUGHT, newest_first, read_bought
from tests.scraper.social.apify_server import TOKEN, Apify

ROOT = Path(__file__).parents[3]


def post(number: int, day: str = "", caption: str = "") -> dict[str, Any]:
    return {
        "id": str(number), "shortCode": f"A{number}", "ownerUsername": "b",
        "caption": caption or f"Loaf number {number} is out", "timestamp": f"{day}T08:00:00Z",
    }  # fmt: skip


@pytest.fixture
def configured(
    apify: Apify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Workspace]:
    monkeypatch.setenv("APIFY_TOKEN", TOKEN)

    def configured(more: str = "") -> Workspace:
        (tmp_path / "brand.toml").write_text(
            f'[social]\napi_url = "{apify.url}"\n'
            f'instagram_profiles = ["https://www.instagram.com/b/"]\n{more}',
            encoding="utf-8",
        )
        return Workspace(tmp_path)

    return configured


Configured = Callable[[str], Workspace]


def held(workspace: Workspace) -> list[tuple[str, str]]:
    posts = raw.read_raw(workspace.raw / raw.POSTS, raw.Post)
    return [(post.post_id, post.text) for post in posts]


def test_only_what_is_new_is_bought_and_the_newest_version_stays(
    apify: Apify, configured: Configured
) -> None:
    workspace = configured("")
    apify.items = [post(2, "2025-03-10"), post(1, "2025-03-01")]
    scrape(workspace)
    assert "onlyPostsNewerThan" not in apify.inputs[0]
    assert scrape(workspace).was_current
    assert len(apify.inputs) == 1

    apify.items = [post(3, "2025-03-12"), post(2, "2025-03-10", "Loaf 2 was better")]
    scrape(workspace, force=True)
    assert apify.inputs[1]["onlyPostsNewerThan"] == "2025-03-03", "a week before the newest"
    assert held(workspace) == [
        ("3", "Loaf number 3 is out"), ("2", "Loaf 2 was better"), ("1", "Loaf number 1 is out"),
    ]  # fmt: skip

    apify.items = [{"url": "u", "error": "no_items", "errorDescription": "Empty data"}]
    again = scrape(workspace, force=True).manifest
    assert apify.inputs[2]["onlyPostsNewerThan"] == "2025-03-05"
    assert len(held(workspace)) == 3
    assert again.details["broken"] == {}


def test_when_all_is_bought_again(apify: Apify, configured: Configured) -> None:
    apify.items = [post(1, "2025-03-01")]
    scrape(configured(""))

    def asked_since(more: str) -> str:
        scrape(configured(more), force=True)
        return str(apify.inputs[-1].get("onlyPostsNewerThan", ""))

    assert asked_since("overlap_days = 0") == "2025-03-01"
    assert asked_since("max_items = 100") == "2025-02-22", (
        "fewer than before: what is there is enough"
    )
    assert asked_since("max_items = 300") == "", "more may be bought, so older posts too"
    assert asked_since("max_items = 300") == "2025-02-22"
    assert asked_since("max_items = 300\nonly_new = false") == ""
    (configured("").raw / raw.POSTS).unlink()
    assert asked_since("max_items = 300") == "", "nothing is at hand"
    assert len(held(configured(""))) == 1


def test_nothing_is_bought_again_while_the_site_is_broken(
    apify: Apify, configured: Configured
) -> None:
    site = '[website]\nstart_urls = ["http://127.0.0.1:9/"]\ntimeout_seconds = 2\nrender = "never"'
    apify.items = [post(1, "2025-03-01")]
    workspace = configured(site)
    for _ in range(3):
        outcome = scrape(workspace)
        assert set(outcome.manifest.details["broken"]) == {"website"}
        assert held(workspace) == [("1", "Loaf number 1 is out")]
    assert len(apify.inputs) == 1
    assert "instagram b" in read_bought(workspace.raw / BOUGHT)
    scrape(workspace, force=True)
    assert len(apify.inputs) == 2


def test_a_profile_that_is_broken_is_bought_alone(apify: Apify, configured: Configured) -> None:
    workspace = configured('facebook_pages = ["https://www.facebook.com/c"]')
    apify.items = [post(1, "2025-03-01")]  # which are no Facebook posts
    broken = scrape(workspace).manifest.details["broken"]
    assert set(broken) == {"apify/facebook-posts-scraper c"}
    scrape(workspace)
    assert ["startUrls" in asked for asked in apify.inputs] == [True, False]
    (workspace.raw / APIFY_RUNS).unlink()
    scrape(workspace)
    assert ["startUrls" in asked for asked in apify.inputs] == [True, False, True]


def test_more_new_posts_than_may_be_bought_are_told_and_asked_for_again(
    apify: Apify, configured: Configured, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace = configured("max_items = 2")
    apify.items = [post(1, "2025-01-01")]
    scrape(workspace)
    apify.items = [post(number, f"2025-03-{number:02}") for number in (9, 8, 7)]
    for _ in range(2):
        capfd.readouterr()
        scrape(workspace, force=True)
        assert apify.inputs[-1]["onlyPostsNewerThan"] == "2024-12-25"
        said = " ".join(capfd.readouterr().err.split())
        assert "as many posts as social.max_items = 2 allows" in said
    assert [name for name, _ in held(workspace)] == ["9", "8", "1"]
    apify.items.append(post(1, "2025-01-01"))
    scrape(configured("max_items = 5"))
    assert [name for name, _ in held(workspace)] == ["9", "8", "7", "1"]
    assert read_bought(workspace.raw / BOUGHT)["instagram b"].newest.startswith("2025-03-09")


def test_nothing_new_fills_no_limit(
    apify: Apify, configured: Configured, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace = configured("max_items = 1")
    apify.items = [post(1, "2025-01-01")]
    scrape(workspace)
    apify.items = [{"url": "u", "error": "no_items", "errorDescription": "Empty data"}]
    scrape(workspace, force=True)
    assert "may be missing" not in capfd.readouterr().err


def test_where_everything_failed_raw_stays_as_it_was(apify: Apify, configured: Configured) -> None:
    workspace = configured("")
    apify.items = [post(1, "2025-03-01")]
    scrape(workspace)
    kept = (raw.PAGES, raw.FACTS)
    for name in kept:
        (workspace.raw / name).write_bytes(b"of a site that is no longer named")
    apify.refuse = [402]
    with pytest.raises(OnbrandError, match="answered 402"):
        scrape(configured("max_items = 3"))
    assert all((workspace.raw / name).exists() for name in kept)
    assert read_manifest(workspace.raw) is not None
    scrape(configured("max_items = 3"))
    assert not any((workspace.raw / name).exists() for name in kept)


def test_a_run_that_broke_off_leaves_no_gap(apify: Apify, configured: Configured) -> None:
    workspace = configured("")
    apify.status, apify.items = "TIMED-OUT", [post(9, "2025-03-09")]
    scrape(workspace)
    apify.status, apify.items = "SUCCEEDED", [post(9, "2025-03-09"), post(8, "2025-03-01")]
    scrape(workspace, force=True)
    assert "onlyPostsNewerThan" not in apify.inputs[1]
    assert [name for name, _ in held(workspace)] == ["9", "8"]


def test_another_profile_is_bought_whole_and_one_that_is_gone_goes(
    apify: Apify, configured: Configured
) -> None:
    apify.items = [post(1, "2025-03-01")]
    scrape(configured(""))
    workspace = configured("")
    text = (workspace.root / "brand.toml").read_text(encoding="utf-8")
    both = text.replace('m/b/"]', 'm/b/", "https://www.instagram.com/c/"]')
    (workspace.root / "brand.toml").write_text(both, encoding="utf-8")
    scrape(Workspace(workspace.root))
    since = {i["directUrls"][0]: i.get("onlyPostsNewerThan") for i in apify.inputs[1:]}
    assert since["https://www.instagram.com/c/"] is None
    assert since["https://www.instagram.com/b/"]
    profiles = {p.profile for p in raw.read_raw(workspace.raw / raw.POSTS, raw.Post)}
    assert profiles == {"b", "c"}
    scrape(configured(""))
    assert {p.profile for p in raw.read_raw(workspace.raw / raw.POSTS, raw.Post)} == {"b"}


def test_posts_of_an_actor_that_fails_stay(
    apify: Apify, configured: Configured, capfd: pytest.CaptureFixture[str]
) -> None:
    apify.items = [post(1, "2025-03-01"), post(2, "2025-03-02")]
    workspace = configured('instagram_exports = ["e.json"]')
    export = json.dumps([post(2, "2025-03-02", "as exported"), post(3, "2025-01-01")])
    (workspace.root / "e.json").write_text(export, encoding="utf-8")
    expected = ["2", "1", "2", "3"]
    scrape(workspace)
    assert [name for name, _ in held(workspace)] == expected
    apify.refuse = [402]
    broken = scrape(workspace, force=True).manifest
    assert [name for name, _ in held(workspace)] == expected
    assert list(broken.details["broken"]) == ["apify/instagram-scraper b"]
    assert "The 2 posts of an earlier scrape stay" in " ".join(capfd.readouterr().err.split())
    assert not scrape(workspace).manifest.details["broken"]
    assert [name for name, _ in held(workspace)] == expected


def test_a_profile_that_is_blocked_now_is_broken_and_its_posts_stay(
    apify: Apify, configured: Configured
) -> None:
    workspace = configured("")
    apify.items = [post(1, "2025-03-01")]
    scrape(workspace)
    apify.items = [{"url": "u", "error": "not_found", "errorDescription": "Page not found"}]
    with pytest.raises(OnbrandError, match="no post that can be read"):
        scrape(workspace, force=True)
    assert len(held(workspace)) == 1


def test_the_order_does_not_depend_on_the_runs() -> None:
    posts = [
        raw.Post(source="instagram", post_id=name, url="u", text="", published_at=day)
        for name, day in [("b", "2025"), ("a", "2025"), ("c", None), ("d", "2026")]
    ]
    expected = ["d", "a", "b", "c"]
    assert [p.post_id for p in newest_first(posts)] == expected
    assert [p.post_id for p in newest_first(reversed(posts))] == expected


@pytest.mark.parametrize(
    ("refuse", "status", "code"),
    [([401], "SUCCEEDED", 1), ([402], "SUCCEEDED", 1), ([403], "SUCCEEDED", 1),
     ([], "FAILED", 1), ([429, 502], "SUCCEEDED", 0), ([], "TIMED-OUT", 0)],
)  # fmt: skip
def test_the_token_is_nowhere(
    apify: Apify, configured: Configured, refuse: list[int], status: str, code: int
) -> None:
    """Not in what is printed, with --debug and all log levels on, nor in any file but .env."""
    workspace = configured("")
    (workspace.root / ".env").write_text(f"APIFY_TOKEN={TOKEN}\n", encoding="utf-8")
    apify.refuse, apify.status = refuse, status
    apify.status_message = f"failed for {TOKEN}"
    apify.items = [] if status == "FAILED" else [post(1, "2025-03-01")]
    command = (
        "import logging, sys; logging.basicConfig(level=1); sys.argv[0] = 'onbrand'; "
        "from onbrand.cli import main; main()"
    )
    environment = {name: value for name, value in os.environ.items() if name != "APIFY_TOKEN"}
    done = subprocess.run(
        [sys.executable, "-c", command, "scrape", "--debug"],
        cwd=workspace.root, env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    for path in workspace.root.rglob("*"):
        if path.is_file() and path.name != ".env":
            assert TOKEN.encode() not in path.read_bytes(), path
