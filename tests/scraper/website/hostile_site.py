"""A site on loopback that does what hostile and broken sites do, and says what is to come of it.

`HostileSite.kept` and `.failed` are the expectations, so that each trick stands beside its outcome.
"""

import gzip
import json
import random
from typing import Any

from tests.scraper.website.hostile_answers import (
    LOGIN,
    ROBOTS,
    STORY,
    TOO_LONG,
    Pages,
    month,
    raw,
    written,
)
from tests.scraper.website.site import WORDS, Site, answer, heals, link, page, redirect, shell, slow


class HostileSite(Site):
    """It logs every request, Chromium's too; unknown paths answer 200 with an error page."""

    def __init__(self) -> None:
        super().__init__()
        self.connections = 0
        self.kept: dict[str, str] = {}
        """What the kept page of a path must contain."""
        self.failed: dict[str, str] = {}
        """Beginning of the reason, by path."""
        self.unlinked: set[str] = set()
        """Of these paths those that no page links to."""
        self.quiet: set[str] = set()
        """Linked paths that end as neither: redirects that went well, traps, aliases."""

    def get_request(self) -> Any:
        connection = super().get_request()
        self.connections += 1
        return connection

    def fill(self, elsewhere: str) -> None:
        """Make all pages; `elsewhere` is a server on another port, which nobody may ask."""
        self.pages = Pages()
        self.pages["/robots.txt"] = answer(200, ROBOTS, "text/plain")
        for part in (_redirects, _transfers, _charsets, _no_pages, _markup, _scripts, _sneaks):
            part(self, elsewhere)
        self.kept["/"] = "Home"
        linked = dict.fromkeys([*self.kept, *self.failed, *self.quiet])
        self.pages["/"] = page("Home", link(*linked.keys() - self.unlinked))

    def keep(self, path: str, content: Any, words: str = "Our story") -> None:
        self.pages[path] = content
        self.kept[path] = words

    def fail(self, path: str, content: Any, reason: str) -> None:
        self.pages[path] = content
        self.failed[path] = reason

    def pass_over(self, path: str, content: Any) -> None:
        self.pages[path] = content
        self.quiet.add(path)


def _redirects(site: HostileSite, elsewhere: str) -> None:
    site.fail("/circle-a", redirect("/circle-b"), "it redirects in a circle")
    site.fail("/circle-b", redirect("/circle-a"), "it redirects in a circle")
    site.fail("/circle-alone", redirect("/circle-alone"), "it redirects in a circle")
    for number in range(20):
        site.pages[f"/chain/{number}"] = redirect(f"/chain/{number + 1}")
    site.quiet.add("/chain/0")
    site.failed["/chain/10"] = "more than 10 redirects"
    site.unlinked.add("/chain/10")
    site.fail("/leaves", redirect(f"{elsewhere}/from-redirect"), "redirects out of the site")
    site.fail("/to-file", redirect("file:///etc/passwd"), "redirects")
    site.fail("/to-script", redirect("javascript:alert(1)"), "redirects")
    site.pass_over("/old", redirect("/new"))
    site.keep("/new", page("New", "Our story"))
    site.pass_over("/to-private", redirect("/private/from-redirect"))
    site.failed["/private/from-redirect"] = "robots.txt disallows it"
    site.unlinked.add("/private/from-redirect")
    site.keep(
        "/refresh-a", page("A", "Our story", "<meta http-equiv=refresh content='0;url=/refresh-b'>")
    )
    site.keep(
        "/refresh-b", page("B", "Our story", "<meta http-equiv=refresh content='0;url=/refresh-a'>")
    )


def _transfers(site: HostileSite, elsewhere: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    html = page("Transferred", STORY)
    filler = b"<p>" + b"x" * 65_536
    site.fail("/huge", b"<p>" + b"x" * 12_000_000, "larger than 10 MB")
    site.keep("/large", b"<p>" + STORY.encode() + b"<p>word " * 100_000)
    site.fail("/endless", raw(head + b"\r\n", *[filler] * 8, seconds=60), "larger than 10 MB")
    site.fail(
        "/dribble", raw(head + b"\r\n", *[b"<"] * 9, pause=0.1, seconds=60), "no answer within"
    )
    site.fail("/silent", raw(b"", pause=TOO_LONG), "no answer within")
    site.fail(
        "/endless-head",
        raw(b"HTTP/1.1 200 OK\r\n", *[b"X-A: b\r\n"] * 9, seconds=60),
        "it does not",
    )
    site.fail("/head-bomb", raw(head + b"X-Bomb: " + b"a" * 1_000_000 + b"\r\n\r\n"), "it does not")
    site.fail("/no-http", raw(b"<html>HTTP/0.9 has no head</html>"), "it does not answer in HTTP")
    site.fail("/noise", raw(random.Random(1).randbytes(4000)), "it does not answer in HTTP")
    site.fail("/hangs-up", raw(b""), "the connection broke off")
    site.fail(
        "/too-short", raw(head + b"Content-Length: 99999\r\n\r\n" + html), "the connection broke"
    )
    overlong = head + b"Content-Length: %d\r\n\r\n" % len(html) + html + b"more" * 9
    site.fail("/too-long", raw(overlong), "it does not answer in HTTP")
    site.fail("/bad-chunks", raw(head + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n" + html), "")
    bomb = gzip.compress(b"<p>" + b"0" * 200_000_000, 9)
    site.fail("/gzip-bomb", answer(200, bomb, Content_Encoding="gzip"), "larger than 10 MB")
    site.fail("/bad-gzip", answer(200, b"no gzip", Content_Encoding="gzip"), "broken answer")
    site.keep("/gzip", answer(200, gzip.compress(html), Content_Encoding="gzip"))
    site.keep("/busy", heals(429, 1, html, Retry_After="1"))
    site.keep("/resting", heals(503, 1, html, Retry_After="1"))
    site.keep("/heals", heals(500, 2, html))
    site.fail("/broken-for-good", answer(500), "HTTP 500")
    site.fail("/gone", answer(410), "HTTP 410")


def _charsets(site: HostileSite, elsewhere: str) -> None:
    for number, (encoding, header) in enumerate(
        [
            ("cp1252", "text/html; charset=utf-8"),
            ("utf-8", "text/html; charset=iso-8859-1"),
            ("utf-8", "text/html; charset=no-such-charset"),
            ("utf-16", "text/html"),
            ("utf-8-sig", "text/html; charset=latin1"),
        ]
    ):
        text = page("Crème brûlée", f"Our story {number}").decode()
        site.keep(f"/charset-{number}", answer(200, text.encode(encoding), header), "Crème brûlée")
    site.keep("/null-bytes", page("Null", "Our\0 story"), "Null")


def _no_pages(site: HostileSite, elsewhere: str) -> None:
    site.fail("/no-such-product", Pages().get("/no-such-product"), "it says that there is no")
    site.fail(
        "/discontinued",
        page("Sorry, page not found", "").replace(WORDS.encode(), b"Gone."),
        "it says",
    )
    site.keep("/about-404", page("404 Not Found: why we love error pages", STORY))
    site.fail("/members", redirect("/login?next=/members"), "it asks for a login, at ")
    site.fail("/vault", LOGIN, "it asks for a login")
    site.fail("/secured", answer(401, WWW_Authenticate="Basic"), "it asks for a login (HTTP 401)")
    site.fail("/forbidden", answer(403), "HTTP 403: it asks for a login, or keeps crawlers out")
    site.fail("/private/plans", page("Plans", ""), "robots.txt disallows it")
    site.fail("/page?secret=1", page("Secret", ""), "robots.txt disallows it")
    archive = answer(200, b"PK", "application/zip", Content_Disposition="attachment")
    site.fail("/download.zip", archive, "application/zip is neither HTML nor PDF")
    site.fail("/broken.pdf", answer(200, b"%PDF-1.7 no", "application/pdf"), "it is a broken PDF")
    site.fail("/no.pdf", answer(200, b"<p>x", "application/pdf"), "it is called a PDF and is none")
    site.fail("/empty", b"", "it is empty or no HTML")
    site.fail("/image-in-disguise", answer(200, b"\x89PNG", ""), "it is empty or no HTML")


def _markup(site: HostileSite, elsewhere: str) -> None:
    deep = "<div>" * 100_000 + STORY + "<a href='/found-in-the-deep'>x</a>" + "</div>" * 100_000
    site.keep(
        "/deep", f"<html><body><p>Above</p>{deep}<p>Our story ends</p></body></html>".encode()
    )
    site.keep("/found-in-the-deep", page("Found", "Our story"))
    site.unlinked.add("/found-in-the-deep")
    open_ended = f"<html><body><p>{STORY}" + "<b><i><table><a href='/x' <p" * 3000
    site.keep("/unclosed", open_ended.encode())
    site.failed["/x"] = "it says that there is no such page"
    site.unlinked.add("/x")
    site.keep(
        "/frames", page("Frames", "Our story<frameset><frame src=javascript:void(0)></frameset>")
    )
    attributes = " ".join(f"a{number}=x" for number in range(50_000))
    site.keep("/attributes", page("Attributes", f"<p {attributes}>Our story</p>"))
    links = "".join(
        f"<a href='http://[{n}/'>x</a><a href='http://h:{n}99999/'>x</a>" for n in range(99)
    )
    site.keep(
        "/bad-links", page("Links", f"Our story {links}<a href='//'>x</a><a href='http://'>x</a>")
    )
    json_ld = "<script type='application/ld+json'>{\"@type\": </script>"
    site.keep("/bad-json-ld", page("Facts", "Our story" + json_ld))
    site.failed["/bad-json-ld"] = "its JSON-LD block 1 cannot be read"


def _scripts(site: HostileSite, elsewhere: str) -> None:
    site.fail("/loops", written("x", "while (true) {}"), "kept as it came, for Chromium could not")
    site.kept["/loops"] = "A long enough header"
    site.fail(
        "/loops-later", written(STORY, "setTimeout(() => { while (true) {} }, 30)"), "kept as it"
    )
    site.kept["/loops-later"] = "A long enough header"
    site.keep("/ticks", written(STORY, "setInterval(() => document.body.append('tick'), 5)"))
    site.keep("/polls", written(STORY, "setInterval(() => fetch('/poll'), 5)"))
    site.keep("/waits-for-ever", written(STORY, "fetch('/never')"))
    site.pages["/never"] = raw(b"", pause=TOO_LONG)
    site.pages["/poll"] = answer(200, b"{}", "application/json")
    site.keep("/reloads", written(STORY, "location.reload()"))
    site.keep("/reloads-late", written(STORY, "setTimeout(() => location.reload(), 40)"))
    site.keep("/asks", written(STORY, "alert(1); confirm(2); prompt(3); print();"))
    site.keep("/asks-for-ever", written(STORY, "for (let i = 0; i < 30; i++) confirm(i);"))
    site.keep(
        "/will-not-go", written(STORY, "onbeforeunload = () => 'Stay!'; location.href = '/new'")
    )
    download = "const a = document.createElement('a'); a.href = '/download.zip'; a.download = 'x';"
    site.keep(
        "/downloads", written(STORY, f"{download} a.click(); location.href = '/download.zip'")
    )
    site.keep("/late", shell(
        "setTimeout(() => fetch('/late.json').then(r => r.json()).then(late => setTimeout(() => {"
        "document.getElementById('root').textContent = late.text }, 100)), 50)"
    ))  # fmt: skip
    site.pages["/late.json"] = slow(0.4, json.dumps({"text": STORY}).encode())
    grow = "const hidden = document.createElement('div'); hidden.hidden = true;"
    grow += "hidden.textContent = 'x'.repeat(12000000); document.body.append(hidden)"
    reason = "kept as it came, for Chromium could not render it: its document is larger than 10 MB"
    site.fail("/grows", written(STORY, grow), reason)
    site.kept["/grows"] = "A long enough header"
    nest = "const d = document.createElement('div'); at.append(d); at = d"
    deepen = f"let at = document.body; for (let i = 0; i < 400; i++) {{ {nest} }} at.append('end')"
    site.keep("/deepens", written(STORY, deepen))
    site.fail("/crashes", written(STORY, deepen.replace("400", "20000")), "kept as it came, for")
    site.kept["/crashes"] = "A long enough header"
    site.keep("/throws", written(STORY, "throw new Error('no')"))
    site.keep("/socket", shell(
        f"const socket = new WebSocket('ws://{elsewhere[7:]}/'); socket.onmessage = () => {{}};"
        "new Worker('/w.js').postMessage(1);"
        f"document.getElementById('root').textContent = {json.dumps(STORY)}"
    ))  # fmt: skip
    site.fail(
        "/to-error", written(STORY, "location.href = '/broken-for-good'"), "kept as it came, for"
    )
    site.kept["/to-error"] = "A long enough header"


def _sneaks(site: HostileSite, elsewhere: str) -> None:
    """Ways out of the site, and into what robots.txt disallows; the text stands anyway."""
    host = elsewhere[7:]
    frame = "const frame = document.createElement('iframe'); document.body.append(frame);"
    script = "const s = document.createElement('script'); document.head.append(s);"
    inner = f"<script>fetch('{elsewhere}/data')<\\/script>"
    guesses = {"urls": [f"{elsewhere}/guess", "/private/guess"], "eagerness": "immediate"}
    tricks = {
        "fetch": f"fetch('{elsewhere}/fetch', {{mode: 'no-cors'}}); fetch('/private/fetch');",
        "image": f"new Image().src = '{elsewhere}/pixel';",
        "beacon": f"navigator.sendBeacon('{elsewhere}/beacon', 'x');",
        "socket": f"new WebSocket('ws://{host}/socket'); new EventSource('{elsewhere}/events');",
        "frame-socket": f"{frame} new frame.contentWindow.WebSocket('ws://{host}/socket');",
        "frame": f"{frame} frame.src = '{elsewhere}/frame';",
        "private-frame": f"{frame} frame.src = '/private/frame';",
        "data-frame": f"{frame} frame.src = `data:text/html,{inner}`;",
        "away": f"location.href = '{elsewhere}/away';",
        "private-away": "location.href = '/private/away';",
        "popup": f"window.open('{elsewhere}/popup'); open('/private/popup');",
        "form": f"document.body.innerHTML += `<form action='{elsewhere}/form'></form>`;"
        "document.forms[0].submit();",
        "worker": f"new Worker(URL.createObjectURL(new Blob([`fetch('{elsewhere}/worker')`])));",
        "import": f"import('{elsewhere}/module.js').catch(() => {{}});",
        "redirected": "fetch('/leaves', {mode: 'no-cors'}).catch(() => {});",
        "redirected-script": f"{script} s.src = '/leaves';",
        "hints": "for (const rel of ['preconnect', 'prefetch', 'modulepreload', 'icon']) {"
        "const hint = document.createElement('link'); hint.rel = rel;"
        f"hint.href = '{elsewhere}/' + rel; document.head.append(hint) }}",
        "speculation": "const s = document.createElement('script'); s.type = 'speculationrules';"
        f"s.textContent = '{json.dumps({'prefetch': [guesses]})}'; document.head.append(s);",
        "leaving": f"onpagehide = () => fetch('{elsewhere}/leaving', {{keepalive: true}});",
    }
    for name, trick in tricks.items():
        site.keep(f"/sneaky/{name}", written(STORY, trick))
    site.pass_over("/calendar", month("/calendar"))
    bait = link(
        f"{elsewhere}/bait", "https://www.example.org/bait", "http://169.254.169.254/latest",
        "http://localhost:1/", "http://[::1]/", "ftp://127.0.0.1/", "http://2130706433/",
    )  # fmt: skip
    site.keep("/bait", page("Bait", "Our story" + bait))
