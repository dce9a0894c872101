"""What the hostile site answers with: raw bytes, pages by script, error pages, a calendar."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.scraper.website.site import WORDS, answer, link, page, shell

TOO_LONG = 40.0
"""Seconds: a pause longer than the time limit of the crawl is to be."""
STORY = "Our story: " + WORDS
ERROR_PAGE = "<h1>Oops</h1><p>We could not find {path}. It may never have been here: not found.</p>"
LOGIN = (
    b"<html><head><title>Harbour Bakery</title></head><body><h1>Welcome back</h1>"
    b"<form method=post><input name=user><input type=password name=word></form></body></html>"
)
ROBOTS = b"User-agent: *\nDisallow: /private\nDisallow: /*?secret\n"


def written(text: str, then: str = "") -> bytes:
    """A page whose script writes a text, and does something else after."""
    return shell(f"document.getElementById('root').innerHTML = {json.dumps(text)}; {then}")


def raw(*pieces: bytes, pause: float = 0.0, seconds: float = 0.0) -> Callable[[Any], None]:
    """Sends bytes as they are, over and over for so many seconds, and hangs up."""

    def respond(request: Any) -> None:
        end = time.monotonic() + seconds
        request.close_connection = True
        while True:
            for piece in pieces:
                request.wfile.write(piece)
                request.wfile.flush()
                time.sleep(pause)
            if time.monotonic() >= end:
                return

    return respond


class Pages(dict[str, Any]):
    """The pages by path; the calendar goes on without end, and everything else is missing."""

    def get(self, path: str, default: Any = None) -> Any:
        if path in self:
            return self[path]
        if path.startswith("/calendar"):
            return month(path)
        return answer(200, page("Harbour Bakery", "").replace(*_instead(path)))


def _instead(path: str) -> tuple[bytes, bytes]:
    """What an error page of this site has in place of its text."""
    return f"<p>{WORDS}</p>".encode(), ERROR_PAGE.format(path=path).encode()


def month(path: str) -> bytes:
    month = int(parse_qs(urlsplit(path).query).get("month", ["0"])[0])
    days = "".join(f"<td><a href='#day-{day}'>{day}</a></td>" for day in range(1, 31))
    around = link(f"/calendar?month={month + 1}", f"/calendar?month={month - 1}")
    return page(f"Events in month {month}", f"<table><tr>{days}</tr></table>{around}")
