"""A teacher on this machine that speaks OpenAI's chat completions, and misbehaves when told to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What the teacher answers: a brief, or another status."""

    brief: str | None = "Write a warm greeting to sailors."
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "No."
    seconds: float = 0.0


@dataclass
class Asked:
    """One request, as it came."""

    text: str
    """The piece that a brief is wanted for."""
    body: dict[str, Any]
    key: str
    at: float


@dataclass
class RunningTeacher:
    """Its address, what it was asked, and how it answers."""

    url: str
    reply: Callable[[str, int], Reply]
    """From the piece's text and how often it was asked for."""
    asked: list[Asked] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0


@contextmanager
def running_teacher() -> Iterator[RunningTeacher]:
    """A teacher on a free port that gives every text the same good brief."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = body["messages"][-1]["content"].rpartition(":\n\n")[2]
            with lock:
                teacher.at_once += 1
                teacher.most_at_once = max(teacher.most_at_once, teacher.at_once)
                key = self.headers.get("Authorization", "")
                teacher.asked.append(Asked(text, body, key, time.monotonic()))
                count = sum(asked.text == text for asked in teacher.asked)
            reply = teacher.reply(text, count)
            time.sleep(reply.seconds)
            with lock:
                teacher.at_once -= 1
            content = {"choices": [{"message": {"role": "assistant", "content": reply.brief}}]}
            if reply.status != 200:
                content = {"error": {"message": reply.message}}
            data = json.dumps(content).encode()
            self.send_response(reply.status if self.path == "/v1/chat/completions" else 404)
            for name, value in {**reply.headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    teacher = RunningTeacher(
        f"http://127.0.0.1:{server.server_address[1]}/v1", lambda text, count: Reply()
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield teacher
    finally:
        server.shutdown()
        server.server_close()
