"""The real Apify client against a loopback server that speaks the endpoints it uses."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from onbrand.config import Social
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from scraper import raw
from scraper.scrape import scrape
from scraper.social.apify import (
    ActorItems,
    actor_calls,
    run_actor,
    token_from_environment,
)

TOKEN = "apify_api_SECRETSECRET"
NOW = "2025-01-01T00:00:00.000Z"


@dataclass
class Apify:
    """What the server was asked, and how it shall behave."""

    items: list[dict[str, Any]] = field(default_factory=list)
    status: str = "SUCCEEDED"
    page_size: int = 2
    refuse: list[int] = field(default_factory=list)
    """Status codes of the next answers, before it answers as it should."""
    known_runs: set[str] = field(default_factory=set)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    queries: list[dict[str, list[str]]] = field(default_factory=list)
    pages_read: int = 0
    url: str = ""

    def run(self, identifier: str) -> dict[str, Any]:
        return {
            "id": identifier, "actId": "a", "userId": "u", "startedAt": NOW, "finishedAt": NOW,
            "status": self.status, "statusMessage": "out of memory",
            "meta": {"origin": "API"}, "stats": {},
            "options": {"build": "latest", "timeoutSecs": 1, "memoryMbytes": 128, "diskMbytes": 1},
            "buildId": "b", "buildNumber": "0.1.1", "exitCode": 0, "defaultDatasetId": "data",
            "defaultKeyValueStoreId": "k", "defaultRequestQueueId": "q",
        }  # fmt: skip


@pytest.fixture
def apify() -> Iterator[Apify]:
    state = Apify()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.refused():
                return
            parts = urlsplit(self.path)
            assert parts.path in (
                "/v2/actors/apify~facebook-posts-scraper/runs",
                "/v2/actors/apify~instagram-scraper/runs",
            )
            state.inputs.append(body)
            state.queries.append(parse_qs(parts.query))
            identifier = f"run{len(state.inputs)}"
            state.known_runs.add(identifier)
            self.answer(201, {"data": state.run(identifier)})

        def do_GET(self) -> None:
            if self.refused():
                return
            parts = urlsplit(self.path)
            if parts.path.startswith("/v2/actor-runs/"):
                identifier = parts.path.rsplit("/", 1)[1]
                if identifier not in state.known_runs:
                    self.answer(404, {"error": {"type": "record-not-found", "message": "no"}})
                    return
                self.answer(200, {"data": state.run(identifier)})
                return
            assert parts.path == "/v2/datasets/data/items"
            query = parse_qs(parts.query)
            offset, limit = int(query["offset"][0]), int(query["limit"][0])
            page = state.items[offset : offset + min(limit, state.page_size)]
            state.pages_read += 1
            headers = {
                "total": len(state.items), "offset": offset, "limit": limit, "count": len(page),
                "desc": "false",
            }  # fmt: skip
            self.answer(200, page, {f"x-apify-pagination-{k}": str(v) for k, v in headers.items()})

        def refused(self) -> bool:
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                problem = {"type": "user-or-token-not-found", "message": f"bad {TOKEN}"}
                self.answer(401, {"error": problem})
                return True
            if state.refuse:
                problem = {"type": "x", "message": f"no credit left for {TOKEN}"}
                self.answer(state.refuse.pop(0), {"error": problem})
                return True
            return False

        def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()


def fetch(apify: Apify, folder: Path, *, token: str = TOKEN, limit: int = 5) -> ActorItems:
    settings = Social(instagram_profiles=["https://www.instagram.com/brand/"], max_items=limit)
    (call,) = actor_calls(settings)
    return asyncio.run(
        run_actor(call, token=token, api_url=apify.url + "/", state=folder / "runs.json")
    )


def test_what_the_actors_are_asked() -> None:
    facebook, instagram = actor_calls(
        Social(facebook_pages=["f1", "f2"], instagram_profiles=["i1"], max_items=7)
    )
    assert facebook.run_input == {"startUrls": [{"url": "f1"}, {"url": "f2"}], "resultsLimit": 7}
    assert facebook.max_items == 14
    assert instagram.run_input == {
        "directUrls": ["i1"], "resultsType": "posts", "resultsLimit": 7,
    }  # fmt: skip
    assert actor_calls(Social()) == []


def test_items_are_read_page_by_page_up_to_the_limit(apify: Apify, tmp_path: Path) -> None:
    apify.items = [{"id": str(n)} for n in range(9)]
    found = fetch(apify, tmp_path, limit=5)
    assert [item["id"] for item in found.items] == ["0", "1", "2", "3", "4"]
    assert apify.pages_read == 3  # two, two and the last one
    assert apify.queries[0]["maxItems"] == ["5"]
    assert found.name == "apify/instagram-scraper run run1"
    assert found.warning == ""


def test_429_is_tried_again(apify: Apify, tmp_path: Path) -> None:
    apify.items = [{"id": "1"}]
    apify.refuse = [429, 503]
    assert len(fetch(apify, tmp_path).items) == 1


def test_a_killed_scrape_waits_for_the_run_it_has_paid_for(apify: Apify, tmp_path: Path) -> None:
    apify.items = [{"id": "1"}]
    first, second = fetch(apify, tmp_path), fetch(apify, tmp_path)
    assert first == second
    assert len(apify.inputs) == 1
    assert TOKEN not in (tmp_path / "runs.json").read_text(encoding="utf-8")
    fetch(apify, tmp_path, limit=6)  # another input is another run
    assert len(apify.inputs) == 2


@pytest.mark.slow  # the client waits three seconds for a run that is unknown
def test_a_run_that_apify_has_forgotten_is_started_again(apify: Apify, tmp_path: Path) -> None:
    apify.items = [{"id": "1"}]
    fetch(apify, tmp_path)
    apify.known_runs.clear()
    assert fetch(apify, tmp_path).name.endswith("run2")


def test_a_failed_run_without_items_is_an_error_and_not_waited_for_again(
    apify: Apify, tmp_path: Path
) -> None:
    apify.status = "FAILED"
    with pytest.raises(OnbrandError, match=r"ended as FAILED \(out of memory\)"):
        fetch(apify, tmp_path)
    apify.status, apify.items = "SUCCEEDED", [{"id": "1"}]
    assert fetch(apify, tmp_path).name.endswith("run2")


def test_a_failed_run_keeps_what_it_found(apify: Apify, tmp_path: Path) -> None:
    apify.status, apify.items = "TIMED-OUT", [{"id": "1"}]
    found = fetch(apify, tmp_path)
    assert len(found.items) == 1
    assert "ended as TIMED-OUT" in found.warning


@pytest.mark.parametrize(
    ("status", "message"), [(404, "knows no actor"), (402, "answered 402"), (403, "answered 403")]
)
def test_refusals_are_one_sentence_without_the_token(
    apify: Apify, tmp_path: Path, status: int, message: str
) -> None:
    apify.refuse = [status]
    with pytest.raises(OnbrandError, match=message) as caught:
        fetch(apify, tmp_path)
    assert TOKEN not in str(caught.value)


def test_a_wrong_token(apify: Apify, tmp_path: Path) -> None:
    wrong = "apify_api_WRONG"
    with pytest.raises(OnbrandError, match="refused the token in APIFY_TOKEN") as caught:
        fetch(apify, tmp_path, token=wrong)
    assert wrong not in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.slow  # four tries
def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OnbrandError, match="could not be reached"):
        fetch(Apify(url="http://127.0.0.1:9"), tmp_path)


def test_the_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APIFY_TOKEN", TOKEN)
    assert token_from_environment() == TOKEN
    monkeypatch.setenv("APIFY_TOKEN", " ")
    with pytest.raises(UsageError, match="APIFY_TOKEN"):
        token_from_environment()


def test_posts_of_an_actor_that_fails_stay(
    apify: Apify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APIFY_TOKEN", TOKEN)
    item = {"shortCode": "A", "caption": "Hello", "ownerUsername": "b"}
    apify.items = [{**item, "id": "1"}, {**item, "id": "2"}]
    (tmp_path / "e.json").write_text(json.dumps([{**item, "id": "2"}, {**item, "id": "3"}]))
    (tmp_path / "brand.toml").write_text(
        f'[social]\napi_url = "{apify.url}"\ninstagram_exports = ["e.json"]\n'
        'instagram_profiles = ["https://www.instagram.com/b/"]\n'
    )
    workspace = Workspace(tmp_path)

    def kept() -> list[str]:
        posts = raw.read_raw(workspace.raw / raw.POSTS, raw.Post)
        return sorted(post.post_id for post in posts)

    scrape(workspace)
    assert kept() == ["1", "2", "2", "3"]
    apify.refuse = [402]
    broken = scrape(workspace, force=True).manifest
    assert kept() == ["1", "2", "3"]
    assert list(broken.details["broken"]) == ["apify/instagram-scraper"]
    assert "The 1 posts of an earlier scrape stay" in " ".join(capfd.readouterr().err.split())
    assert not scrape(workspace).manifest.details["broken"]
    assert kept() == ["1", "2", "2", "3"]
