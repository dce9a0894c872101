"""A small `raw/` with every flaw, as `scrape` would leave it."""

import hashlib
import random

from onbrand.artifact import Manifest, now, write_manifest
from onbrand.workspace import Workspace
from scraper import raw

TOML = '[social]\naccounts = ["brand"]\n[files]\npaths = ["site"]\n[clean]\nphone_region = "PK"\n'


def page(path: str, body: str) -> raw.Page:
    html = (
        f"<html><head><title>{path}</title></head><body><nav>Menu Shop</nav><main>{body}</main>"
        "<div>Sign up for our letter today</div><footer>Call 021-35063891</footer></body></html>"
    )
    return raw.Page(
        url=f"https://brand.example{path}",
        final_url=f"https://brand.example{path}",
        status=200,
        fetched_at=now(),
        content_hash=hashlib.sha256(html.encode()).hexdigest(),
        html=html,
    )


def post(number: int, text: str, author: str = "brand") -> raw.Post:
    return raw.Post(
        source="instagram",
        post_id=str(number),
        url=f"https://www.instagram.com/p/{number}/",
        text=text,
        author=author,
    )


def write_raw_folder(workspace: Workspace, seed: int = 0) -> None:
    """Raw data with every flaw; `seed` decides the order it lies in."""
    chance = random.Random(7)
    words = [f"word{n}" for n in range(400)]
    pages = [
        page(f"/{n}", "".join(f"<p>{' '.join(chance.choices(words, k=30))}.</p>" for _ in range(3)))
        for n in range(6)
    ]
    posts = [post(n, " ".join(chance.choices(words, k=20)) + " #Tea ☕") for n in range(40)]
    posts += [
        post(100, posts[0].text),
        post(101, posts[1].text + " indeed"),
        post(102, ""),
        post(103, "#Tea #Chai"),
        post(104, "We are somebody else entirely here", author="else"),
        post(105, "Ring 0300 1234567 or write to a@b.example, since 2003"),
    ]
    files = [
        raw.TextFile(path=f"site/{n}.txt", text=f"Header line\nTopic {n}\n{posts[n].text} x{n}")
        for n in range(10, 14)
    ]
    for items in (pages, posts, files):
        random.Random(seed).shuffle(items)  # type: ignore[arg-type]
    raw.write_raw(workspace.raw / raw.PAGES, pages)
    raw.write_raw(workspace.raw / raw.POSTS, posts)
    raw.write_raw(workspace.raw / raw.FILES, files)
    write_manifest(
        workspace.raw,
        Manifest(
            command="scrape", config_hash="", output_hash="r", started_at=now(), finished_at=now()
        ),
    )
