"""A Hugging Face hub on loopback: the endpoints that pushing and loading a data set calls.

It keeps what it is sent, so that a test can look at the requests, and the committed files can be
loaded from it.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_loopbackSecret0123456789"


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Repo:
    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0


@dataclass
class Hub:
    """What the server holds, and how it is to misbehave."""

    url: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    refuse: dict[str, int] = field(default_factory=dict)
    """Status to answer requests with whose path contains the key."""
    makes_public: bool = False
    """Whether a repository becomes public although private was asked."""

    def named(self, part: str) -> list[Request]:
        return [request for request in self.requests if part in request.path]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.answer()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        hub, path = self.hub, self.path.partition("?")[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        hub.requests.append(Request(self.command, self.path, headers, body))
        for part, status in hub.refuse.items():
            if part in path:
                return self.send(status, {"error": f"refused with {status}"})
        if path.startswith("/storage/"):  # pre-signed: no token belongs here
            hub.objects[path.rpartition("/")[2]] = body
            return self.send(200, {})
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return self.send(401, {"error": "Invalid user token."})
        return self.route(path, body)

    def route(self, path: str, body: bytes) -> None:
        hub = self.hub
        if path == "/api/repos/create":
            return self.create(json.loads(body))
        if path == "/api/validate-yaml":
            return self.send(200, {"errors": [], "warnings": []})
        parts = path.removeprefix("/api").removeprefix("/datasets/").split("/")
        name = "/".join(parts[:2]).removesuffix(".git")
        repo = hub.repos.get(name)
        if repo is None:
            return self.send(404, {"error": "Repository not found"}, code="RepoNotFound")
        rest = "/".join(parts[2:])
        if rest.startswith("preupload/"):
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(".parquet") else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            return self.send(200, {"files": files})
        if rest.startswith("info/lfs/objects/batch"):
            objects = [
                {**item, "actions": {"upload": {"href": f"{hub.url}/storage/{item['oid']}"}}}
                for item in json.loads(body)["objects"]
            ]
            return self.send(200, {"transfer": "basic", "objects": objects})
        if rest.startswith("commit/"):
            return self.commit(name, repo, body)
        if rest.startswith("tree/"):
            folder = rest.partition("/")[2].partition("/")[2]
            return self.send(200, [entry(*item) for item in repo.files.items()
                                   if item[0].startswith(folder)])  # fmt: skip
        if rest.startswith("paths-info/"):
            return self.send(200, [entry(*item) for item in repo.files.items()])
        if rest.startswith("resolve/"):
            content = repo.files.get(rest.split("/", 2)[2])
            if content is None:
                return self.send(404, {"error": "Entry not found"}, code="EntryNotFound")
            return self.send_bytes(200, content, etag(content))
        return self.send(200, self.info(name, repo))

    def create(self, asked: dict[str, Any]) -> None:
        hub = self.hub
        name = f"{asked['organization']}/{asked['name']}"
        url = f"{hub.url}/datasets/{name}"
        if name in hub.repos:
            return self.send(409, {"error": "You already created this dataset repo", "url": url})
        private = asked.get("private") is True or asked.get("visibility") == "private"
        hub.repos[name] = Repo(private=private and not hub.makes_public)
        return self.send(200, {"url": url, "name": name, "private": hub.repos[name].private})

    def commit(self, name: str, repo: Repo, body: bytes) -> None:
        for line in body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                repo.files[value["path"]] = self.hub.objects[value["oid"]]
            elif item["key"] == "deletedFile":
                del repo.files[value["path"]]
        repo.commits += 1
        url = f"{self.hub.url}/datasets/{name}/commit/{sha(repo)}"
        self.send(200, {"success": True, "commitUrl": url, "commitOid": sha(repo)})

    def info(self, name: str, repo: Repo) -> dict[str, Any]:
        return {
            "_id": "0",
            "id": name,
            "private": repo.private,
            "sha": sha(repo),
            "tags": [],
            "siblings": [{"rfilename": path} for path in repo.files],
        }

    def send(self, status: int, answer: object, code: str = "") -> None:
        self.send_bytes(status, json.dumps(answer).encode(), code=code)

    def send_bytes(self, status: int, content: bytes, tag: str = "", code: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Repo-Commit", "0" * 40)
        if tag:
            self.send_header("ETag", f'"{tag}"')
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def entry(path: str, content: bytes) -> dict[str, Any]:
    return {"type": "file", "path": path, "size": len(content), "oid": etag(content)[:40]}


def sha(repo: Repo) -> str:
    return f"{repo.commits:040x}"


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub that serves for the length of a block."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("HubHandler", (Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
