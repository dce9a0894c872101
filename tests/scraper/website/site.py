"""A small site on loopback with everything that goes wrong on real ones; logs each request."""

import gzip
import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = "We bake bread every morning in a wood fired oven and carry it to the market square. " * 5
SCRIPT = "<script>var unused = 1</script>"


def page(title: str, body: str, head: str = "") -> bytes:
    """A page with enough text to need no JavaScript, and a script that tempts to think so."""
    return (
        f"<!doctype html><html><head><title>{title}</title>{head}</head><body>"
        f"<nav><a href='/'>Home</a></nav><h1>{title}</h1><p>{WORDS}</p>{body}{SCRIPT}</body></html>"
    ).encode()


def shell(script: str) -> bytes:
    """A page whose text its script writes."""
    return (
        "<!doctype html><html><body><header>A long enough header. "
        f"{WORDS}</header><div id='root'></div><script>{script}</script></body></html>"
    ).encode()


def link(*targets: str) -> str:
    return "".join(f"<p><a href='{target}'>{target}</a></p>" for target in targets)


class Site(ThreadingHTTPServer):
    """Serves `pages` (path: bytes, or a function of the request) and logs paths in `asked`.

    `sent` counts the bytes of all answers, heads included.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        self.asked: list[str] = []
        self.sent = 0
        self.pages: dict[str, Any] = {}
        super().__init__(("127.0.0.1", port), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    @property
    def times(self) -> Counter[str]:
        return Counter(self.asked)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.pages.get(self.path)
        if callable(content):
            content(self)
        elif content is None:
            self.answer(404, page("Not found", ""))
        else:
            self.answer(200, content)

    def answer(
        self, status: int, body: bytes = b"", content_type: str = "text/html", **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.server.sent += sum(map(len, self._headers_buffer)) + 2 + len(body)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


Answer = Callable[[_Handler], None]


def answer(
    status: int, body: bytes = b"", content_type: str = "text/html", **headers: str
) -> Answer:
    return lambda request: request.answer(status, body, content_type, **headers)


def tagged(body: bytes, content_type: str = "text/html") -> Answer:
    """Answers with an ETag, and 304 to whoever has that already."""
    etag = f'"{hashlib.md5(body).hexdigest()}"'

    def respond(request: _Handler) -> None:
        if request.headers["If-None-Match"] == etag:
            request.answer(304, ETag=etag)
        else:
            request.answer(200, body, content_type, ETag=etag)

    return respond


def redirect(target: str) -> Answer:
    return answer(302, Location=target)


def heals(status: int, after: int, body: bytes, **headers: str) -> Answer:
    """Answers `status` so many times, then the body."""
    times = iter(range(after))

    def respond(request: _Handler) -> None:
        if next(times, None) is None:
            request.answer(200, body)
        else:
            request.answer(status, b"later", **headers)

    return respond


def slow(seconds: float, body: bytes) -> Answer:
    def respond(request: _Handler) -> None:
        time.sleep(seconds)
        request.answer(200, body)

    return respond


def drip(seconds: float) -> Answer:
    """Sends a byte now and then: no single read is slow, the whole page is."""

    def respond(request: _Handler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/html")
        request.send_header("Content-Length", "100000")
        request.end_headers()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            request.wfile.write(b"<")
            request.wfile.flush()
            time.sleep(0.05)

    return respond


def bakery(site: Site, elsewhere: str) -> None:
    """Fill in the whole site; `elsewhere` is another loopback port, beyond the scope."""
    sitemap = (
        "<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
        f"<url><loc>{site.url}/only-in-sitemap</loc></url>"
        f"<url><loc>{site.url}/private/listed</loc></url>"
        f"<url><loc>{elsewhere}/sitemap-bait</loc></url></urlset>"
    )
    index = (
        "<?xml version='1.0'?><sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
        f"<sitemap><loc>{site.url}/pages.xml.gz</loc></sitemap></sitemapindex>"
    )
    site.pages = {
        "/robots.txt": answer(
            200,
            f"User-agent: *\nDisallow: /private/\nSitemap: {site.url}/index.xml\n".encode(),
            "text/plain",
        ),
        "/index.xml": answer(200, index.encode(), "application/xml"),
        "/pages.xml.gz": answer(200, gzip.compress(sitemap.encode()), "application/gzip"),
        "/": page(
            "Home",
            link(
                "/bread",
                "/bread?utm_source=a#top",
                "/bread?utm_campaign=b&fbclid=c",
                "/moved",
                "/circle-a",
                "/out",
                "/missing",
                "/menu.pdf",
                "/private/plans",
                "/heals",
                "/busy",
                "/slow",
                "/latin",
                "/based/",
                f"{elsewhere}/bait",
                "https://www.example.org/bait",
                "mailto:hello@example.org",
                "javascript:void(0)",
                "http://[broken",
            ),
        ),
        "/bread": page("Bread", link("/bread/rye")),
        "/bread/rye": page("Rye", link("/bread/rye/recipe")),
        "/bread/rye/recipe": page("Recipe", ""),
        "/moved": redirect("/new-place"),
        "/new-place": page("New place", ""),
        "/circle-a": redirect("/circle-b"),
        "/circle-b": redirect("/circle-a"),
        "/out": redirect(f"{elsewhere}/bait"),
        "/menu.pdf": answer(200, b"%PDF-1.4", "application/pdf"),
        "/private/plans": page("Plans", ""),
        "/private/listed": page("Listed", ""),
        "/heals": heals(500, 2, page("Healed", "")),
        "/busy": heals(429, 1, page("Busy", ""), Retry_After="1"),
        "/slow": drip(3),
        "/latin": answer(
            200, page("Crème brûlée", "").decode().encode("cp1252"), "text/html; charset=utf-8"
        ),
        "/based/": page("Based", link("here"), "<base href='/elsewhere/'>"),
        "/elsewhere/here": page("Here", ""),
        "/only-in-sitemap": page("Only in the sitemap", ""),
    }


def serve(site: Site) -> None:
    threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
