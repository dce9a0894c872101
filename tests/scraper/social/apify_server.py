"""A loopback server that speaks the endpoints of Apify's API that the scraper uses.

Start a run, wait for a run, list a data set's items, abort a run. Shapes: docs.apify.com/api/v2.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "apify_api_SECRETSECRET"
NOW = "2025-01-01T00:00:00.000Z"
ACTORS = ("apify~facebook-posts-scraper", "apify~instagram-scraper")


@dataclass
class Apify:
    """What the server was asked, and how it shall behave."""

    items: list[dict[str, Any]] = field(default_factory=list)
    """What every run finds."""
    status: str = "SUCCEEDED"
    status_message: str = "out of memory"
    looks: int = 0
    """How often a run says that it is running before it ends; negative: until it is aborted."""
    page_size: int = 2
    refuse: list[int] = field(default_factory=list)
    """Status codes of the next answers, before it answers as it should."""
    odd: dict[str, Any] = field(default_factory=dict)
    """By method, a body to answer with instead."""
    known_runs: set[str] = field(default_factory=set)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    queries: list[dict[str, list[str]]] = field(default_factory=list)
    aborted: list[str] = field(default_factory=list)
    items_sent: int = 0
    pages_read: int = 0
    url: str = ""

    def run(self, identifier: str) -> dict[str, Any]:
        status = self.status
        if identifier in self.aborted:
            status = "ABORTED"
        elif self.looks:
            status, self.looks = "RUNNING", self.looks - 1
        return {
            "id": identifier, "actId": "a", "userId": "u", "startedAt": NOW, "finishedAt": NOW,
            "status": status, "statusMessage": self.status_message,
            "meta": {"origin": "API"}, "stats": {},
            "options": {"build": "latest", "timeoutSecs": 1, "memoryMbytes": 128, "diskMbytes": 1},
            "buildId": "b", "buildNumber": "0.1.1", "exitCode": 0, "defaultDatasetId": "data",
            "defaultKeyValueStoreId": "k", "defaultRequestQueueId": "q",
        }  # fmt: skip


@contextmanager
def serving() -> Iterator[Apify]:
    """Serve until the block ends."""
    state = Apify()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.refused():
                return
            parts = urlsplit(self.path)
            if parts.path.startswith("/v2/actor-runs/"):
                identifier, verb = parts.path.removeprefix("/v2/actor-runs/").split("/")
                assert verb == "abort"
                state.aborted.append(identifier)
                self.answer(200, {"data": state.run(identifier)})
                return
            assert parts.path in [f"/v2/actors/{actor}/runs" for actor in ACTORS]
            state.inputs.append(json.loads(data))
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
            offset, limit = int(query.get("offset", ["0"])[0]), int(query["limit"][0])
            page = state.items[offset : offset + min(limit, state.page_size)]
            state.pages_read += 1
            state.items_sent += len(page)
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
            if self.command in state.odd:
                self.answer(200, state.odd[self.command])
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
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
