"""Serve the demo brand's site on this machine.

Run ``python -m examples.saltmarsh.serve_site`` from the repository root.
Only the standard library is used.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import html
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8765
HTML = "text/html; charset=utf-8"

NOT_FOUND = """<h1>Lost at sea</h1>
<p>No such page is on our chart, shipmate. Make for <a href="/">the harbour</a>.</p>"""
NOSCRIPT = "<noscript>This page needs JavaScript to hoist its text.</noscript>"
INLINE = """<script type="application/json" id="cargo">{data}</script>
<script>document.getElementById("deck").innerHTML =
JSON.parse(document.getElementById("cargo").textContent).html;</script>"""
FETCH = """<script>fetch("{url}").then((answer) => answer.json()).then((cargo) => {{
document.getElementById("deck").innerHTML = cargo.html; }});</script>"""


@dataclass(frozen=True)
class Page:
    """One page: the header block of its fragment file, and the fragment itself."""

    path: str
    title: str
    description: str
    render: str  # "html", or "js" when the text is written by JavaScript
    source: str  # for js pages: "inline" or "fetch"; otherwise empty
    updated: str
    in_sitemap: bool
    body: str

    @property
    def is_public(self) -> bool:
        """Whether robots.txt allows the page."""
        return not self.path.startswith("/staff/")

    @property
    def data_path(self) -> str:
        """The address of the JSON file that a page with ``source: fetch`` loads."""
        return f"/data/{self.path.strip('/').replace('/', '-')}.json"

    def data(self) -> str:
        """The page's text as the JSON that its script reads."""
        return json.dumps({"title": self.title, "html": self.body}, ensure_ascii=False)


def parse_page(text: str) -> Page:
    """Read one fragment file: ``key: value`` lines, an empty line, then HTML."""
    head, _, body = text.partition("\n\n")
    pairs = (line.partition(":") for line in head.splitlines())
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    return Page(
        path=fields["path"],
        title=fields["title"],
        description=fields["description"],
        render=fields.get("render", "html"),
        source=fields.get("source", ""),
        updated=fields["updated"],
        in_sitemap=fields.get("sitemap", "yes") != "no",
        body=body.strip(),
    )


def load_pages() -> list[Page]:
    """Return every page of the site, the disallowed ones included, sorted by path."""
    pages = [parse_page(file.read_text("utf-8")) for file in (HERE / "pages").rglob("*.html")]
    return sorted(pages, key=lambda page: page.path)


def fill(template: str, values: dict[str, str]) -> str:
    """Replace each ``{{name}}`` of the template in one pass."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match.group(1)], template)


def compose(page: Page) -> str:
    """Put one page into the shared layout."""
    main, script = f"\n{page.body}\n", ""
    if page.render == "js":
        main, script = NOSCRIPT, INLINE.format(data=page.data().replace("</", "<\\/"))
        if page.source == "fetch":
            script = FETCH.format(url=page.data_path)
    values = {"path": page.path, "main": f'<main id="deck">{main}</main>', "script": script}
    values |= {"title": html.escape(page.title), "description": html.escape(page.description)}
    return fill((HERE / "layout.html").read_text("utf-8"), values)


def sitemap(pages: Sequence[Page], origin: str) -> str:
    """List the pages that are meant for the sitemap, with absolute addresses."""
    row = "<url><loc>{}</loc><lastmod>{}</lastmod></url>\n"
    listed = (page for page in pages if page.in_sitemap)
    rows = "".join(row.format(html.escape(origin + p.path), p.updated) for p in listed)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{rows}</urlset>\n'


def answer(path: str, origin: str) -> tuple[int, str, str]:
    """Return the status, the content type and the text for one path."""
    pages = load_pages()
    if path == "/robots.txt":
        text = fill((HERE / "robots.txt").read_text("utf-8"), {"origin": origin})
        return 200, "text/plain; charset=utf-8", text
    if path == "/sitemap.xml":
        return 200, "application/xml; charset=utf-8", sitemap(pages, origin)
    for page in pages:
        if path == page.path:
            return 200, HTML, compose(page)
        if page.source == "fetch" and path == page.data_path:
            return 200, "application/json; charset=utf-8", page.data()
    lost = Page("/404", "Lost at sea", "No such page.", "html", "", "", False, NOT_FOUND)
    return 404, HTML, compose(lost)


class SiteHandler(BaseHTTPRequestHandler):
    """Answers GET and HEAD requests for the demo site."""

    server_version = "SaltmarshDemo/1"
    protocol_version = "HTTP/1.1"
    timeout = 30
    verbose = False

    def do_GET(self) -> None:
        """Send the page, or 304 when the client already has this version."""
        address, port = self.connection.getsockname()[:2]
        origin = f"http://{self.headers.get('Host') or f'{address}:{port}'}"
        status, kind, text = answer(self.path.partition("?")[0], origin)
        body = text.encode("utf-8")
        etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        if status == 200 and self.headers.get("If-None-Match") == etag:
            status, body = 304, b""
        self.send_response(status)
        if status != 304:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", etag)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Log a request only where --verbose was given."""
        if self.verbose:
            super().log_message(format, *args)


class SiteServer(ThreadingHTTPServer):
    """A server that stays silent about clients that hang up in the middle of an answer."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Show the traceback only where --verbose was given."""
        if SiteHandler.verbose:
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def make_server(host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> ThreadingHTTPServer:
    """Bind a server for the site; port 0 takes any free port."""
    return SiteServer((host, port), SiteHandler)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.saltmarsh.serve_site",
        description="Serve the demo brand's site on this machine until Ctrl-C.",
    )
    parser.add_argument("--host", default=DEFAULT_HOST, help="address to bind (%(default)s)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port (%(default)s)")
    parser.add_argument("--verbose", action="store_true", help="log every request")
    args = parser.parse_args(argv)
    SiteHandler.verbose = args.verbose
    try:
        server = make_server(args.host, args.port)
    except (OSError, OverflowError) as error:
        reason = "the port is in use" if getattr(error, "errno", 0) == errno.EADDRINUSE else error
        print(f"Cannot serve on {args.host}:{args.port}: {reason}; try --port.", file=sys.stderr)
        return 1
    print(f"The site is at http://{args.host}:{server.server_port}/ (Ctrl-C stops it).", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("Stopped.")
    finally:
        server.server_close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
