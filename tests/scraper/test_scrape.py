"""The whole of `scrape` over a loopback site, export files and text files."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from scraper import raw
from scraper.scrape import scrape

MakeWorkspace = Callable[[str], Workspace]
PAGES = {
    "/": '<h1>Home</h1><p>Come in and have a cup of tea.</p><a href="/about">About</a>',
    "/about": "<h1>About</h1><p>We have brewed tea since 1947.</p>",
}
INSTAGRAM = [
    {"id": "1", "shortCode": "A", "caption": "Chai time", "ownerUsername": "brand",
     "latestComments": [{"text": "SECRET"}]},
    {"id": "2", "shortCode": "B", "caption": "No owner"},
    {"url": "https://www.instagram.com/gone/", "error": "not_found"},
]  # fmt: skip


@pytest.fixture
def site() -> Iterator[str]:
    """A site of two pages; everything under /v2 is Apify refusing the token."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = PAGES.get(self.path)
            self.answer(200 if page else 404, "text/html", f"<html><body>{page}</body></html>")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(401, "application/json", '{"error": {"type": "t", "message": "m"}}')

        def answer(self, status: int, kind: str, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def write_inputs(folder: Path) -> None:
    (folder / "instagram.json").write_text(json.dumps(INSTAGRAM), encoding="utf-8")
    (folder / "site").mkdir()
    (folder / "site" / "a.txt").write_text("A text about tea.", encoding="utf-8")
    (folder / "site" / "empty.txt").write_text("", encoding="utf-8")


def config(site: str, more: str = "") -> str:
    return f"""
[website]
start_urls = ["{site}/"]
render = "never"
[social]
instagram_exports = ["instagram.json"]
{more}
[files]
paths = ["site"]
"""


def test_everything_that_is_configured_lands_in_raw(
    make_workspace: MakeWorkspace, tmp_path: Path, site: str
) -> None:
    write_inputs(tmp_path)
    workspace = make_workspace(config(site))
    with notes.capture() as captured:
        outcome = scrape(workspace)
    assert "failed 3: raw/failed.jsonl says what, and why." in captured.get()
    assert not outcome.was_current
    counts = outcome.manifest.counts
    assert (counts["pages"], counts["posts.instagram"], counts["files"]) == (2, 1, 1)
    assert counts["failed"] == 3
    failed = list(raw.read_raw(workspace.raw / raw.FAILED, raw.Failed))
    assert [(f.source, f.locator) for f in failed] == [
        ("instagram", "instagram.json, item 2"),
        ("instagram", "instagram.json, item 3"),
        ("file", "site/empty.txt"),
    ]
    for path in workspace.raw.iterdir():
        assert b"SECRET" not in path.read_bytes()
    again = scrape(workspace)
    assert again.was_current
    assert again.manifest == outcome.manifest


def test_a_changed_file_is_noticed_and_force_gives_the_same(
    make_workspace: MakeWorkspace, tmp_path: Path, site: str
) -> None:
    write_inputs(tmp_path)
    workspace = make_workspace(config(site))
    first = scrape(workspace).manifest
    forced = scrape(workspace, force=True)
    assert not forced.was_current
    assert forced.manifest.output_hash == first.output_hash
    (tmp_path / "site" / "b.txt").write_text("More about tea.", encoding="utf-8")
    changed = scrape(workspace)
    assert changed.manifest.counts["files"] == 2
    assert changed.manifest.output_hash != first.output_hash


def test_whose_posts_are_kept_does_not_concern_scrape(
    make_workspace: MakeWorkspace, tmp_path: Path, site: str
) -> None:
    write_inputs(tmp_path)
    scrape(make_workspace(config(site)))
    assert scrape(make_workspace(config(site, 'accounts = ["brand"]'))).was_current
    assert not scrape(make_workspace(config(site, "max_items = 3"))).was_current


def test_a_broken_site_and_actor_do_not_lose_the_rest_and_are_tried_again(
    make_workspace: MakeWorkspace, tmp_path: Path, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APIFY_TOKEN", "apify_api_SECRET")
    write_inputs(tmp_path)
    actors = f'facebook_pages = ["https://www.facebook.com/b"]\napi_url = "{site}"'
    workspace = make_workspace(config(f"{site}/nothing", actors))
    outcome = scrape(workspace)
    assert outcome.manifest.counts["posts.instagram"] == 1
    assert set(outcome.manifest.details["broken"]) == {"apify/facebook-posts-scraper b", "website"}
    failed = (workspace.raw / raw.FAILED).read_text(encoding="utf-8")
    assert "refused the token in APIFY_TOKEN" in failed
    assert "apify_api_SECRET" not in failed
    assert not scrape(workspace).was_current


def test_nothing_configured_says_what_to_put_where(make_workspace: MakeWorkspace) -> None:
    with pytest.raises(UsageError, match=r"names nothing to scrape; give website\.start_urls"):
        scrape(make_workspace('[brand]\nname = "x"\n'))


def test_everything_failing_is_an_error(
    make_workspace: MakeWorkspace, tmp_path: Path, site: str
) -> None:
    (tmp_path / "i.json").write_text(json.dumps(INSTAGRAM[1:]), encoding="utf-8")
    (tmp_path / "e.txt").write_text("", encoding="utf-8")
    workspace = make_workspace(
        '[social]\ninstagram_exports = ["i.json"]\n[files]\npaths = ["e.txt"]'
    )
    with pytest.raises(OnbrandError, match=r"Nothing could be scraped: i\.json holds no post"):
        scrape(workspace)
    assert not (workspace.raw / "manifest.json").exists()
    only_site = make_workspace(f'[website]\nstart_urls = ["{site}/nothing"]\nrender = "never"')
    with pytest.raises(OnbrandError, match="404"):
        scrape(only_site)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), ("", "is empty"), ("<xml/>", "neither JSON"), ('{"a": 1}', "holds")],
)
def test_an_unusable_export_is_told_before_anything_is_fetched(
    make_workspace: MakeWorkspace, tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "i.json").write_text(content, encoding="utf-8")
    workspace = make_workspace(
        '[website]\nstart_urls = ["http://127.0.0.1:9/"]\n[social]\ninstagram_exports = ["i.json"]'
    )
    with pytest.raises(OnbrandError, match=rf"i\.json.*{message}"):
        scrape(workspace)
    assert not workspace.raw.exists()


def test_a_missing_token_is_told_before_anything_is_fetched(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("APIFY_TOKEN", raising=False)
    workspace = make_workspace('[social]\ninstagram_profiles = ["https://www.instagram.com/b"]')
    with pytest.raises(UsageError, match="APIFY_TOKEN"):
        scrape(workspace)
    assert not workspace.raw.exists()
