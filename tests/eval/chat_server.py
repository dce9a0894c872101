"""A server on this machine that speaks OpenAI's chat completions, and misbehaves when told to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """What the server says to one request."""

    text: str = "and so we sail."
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    finish_reason: str = "stop"
    body: bytes | None = None
    """Sent as it is, instead of a chat completion."""


@dataclass
class ChatServer:
    """Its address, what it was asked, and how it answers."""

    url: str
    answer: Callable[[str, int], Answer]
    """From the last message and how many requests came before."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@contextmanager
def running_chat_server(
    answer: Callable[[str, int], Answer] = lambda request, count: Answer(),
) -> Iterator[ChatServer]:
    """A server on a free port."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            models = {"object": "list", "data": [{"id": "sailor-7b"}]}
            ready = {"brand": "saltair", "model": "weights-1"}
            found = {"/v1/models": models, "/ready": ready}.get(self.path)
            self._send(200 if found else 404, {}, json.dumps(found).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                count = len(server.asked)
                server.asked.append(body)
                server.keys.append(self.headers.get("Authorization", ""))
            said = server.answer(body["messages"][-1]["content"], count)
            message = {"role": "assistant", "content": said.text}
            content: dict[str, Any] = {
                "choices": [{"message": message, "finish_reason": said.finish_reason}]
            }
            if said.status != 200:
                content = {"error": {"message": said.text}}
            data = json.dumps(content).encode() if said.body is None else said.body
            self._send(said.status, said.headers, data)

        def _send(self, status: int, headers: dict[str, str], data: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = ChatServer(f"http://127.0.0.1:{http.server_address[1]}/v1", answer)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
