"""A local site for the crawl benchmark: `python benchmarks/site.py PORT`.

300 pages of about 30 kB, a tenth of them written by JavaScript (`/js/N`), the rest static (`/N`).
"""

import random
import sys

from aiohttp import web

PAGES = 300
RENDERED = 30
_WORDS = [
    "river", "boat", "copper", "lantern", "oat", "winter", "harbour", "linen", "batch", "cure",
    "brine", "bucket", "cliff", "gull", "barley", "willow", "hazel", "bramble", "cork", "slate",
    "ferry", "kettle", "otter", "marsh", "reed", "tide", "salt", "cedar", "amber", "wool",
]  # fmt: skip


def _sentence(words: random.Random, count: int) -> str:
    return f"The {' '.join(words.choices(_WORDS, k=count))}, and we stand by it.".capitalize()


def _main(number: int) -> str:
    words = random.Random(number)
    parts = [f"<h1>{_sentence(words, 5)}</h1>"]
    for _ in range(6):
        parts.append(f"<h2>{_sentence(words, 3)}</h2>")
        parts += [f"<p>{' '.join(_sentence(words, 14) for _ in range(4))}</p>" for _ in range(3)]
    return f"<main class='content'><article>{''.join(parts)}</article></main>"


def _links(first: str, numbers: range) -> str:
    return "".join(
        f"<li class='menu-item'><a class='menu-link' href='{first}{n}'>Section {n}</a></li>"
        for n in numbers
    )


def _page(number: int) -> str:
    nearby = range(number + 1, min(number + 6, PAGES - RENDERED))
    menu = f"<header><nav><ul>{_links('/', range(60))}</ul></nav></header>"
    cards = "".join(
        f"<div class='card'><a href='/{n}'><h3>Also here {n}</h3><p>From £{n}.50</p></a></div>"
        for n in nearby
    )
    footer = f"<footer><ul>{_links('/', range(40))}</ul><p>© The site</p></footer>"
    scripts = f"<script>var data = '{'x' * 6000}';</script>"
    return (
        f"<!doctype html><html><head><title>Page {number}</title>{scripts}</head><body>{menu}"
        f"{_main(number)}<aside class='related'>{cards}</aside>{footer}</body></html>"
    )


def _written(number: int) -> str:
    return (
        f"<!doctype html><html><head><title>Page {number}</title></head><body><div id='root'></div>"
        f"<script>setTimeout(() => {{ document.getElementById('root').innerHTML = "
        f"{_main(number)!r}; }}, 30);</script></body></html>"
    )


def main() -> None:
    """Serve until killed."""
    static = {str(number): _page(number) for number in range(PAGES - RENDERED)}
    written = {str(number): _written(number) for number in range(RENDERED)}
    index = f"<ul>{_links('/', range(PAGES - RENDERED))}</ul>"

    async def page(request: web.Request) -> web.Response:
        kind, number = request.match_info.get("kind"), request.match_info["number"]
        found = (written if kind else static).get(number)
        return web.Response(
            text=found or "none", status=200 if found else 404, content_type="text/html"
        )

    async def list_of(request: web.Request) -> web.Response:
        rendered = request.path.startswith("/js")
        text = f"<ul>{_links('/js/', range(RENDERED))}</ul>" if rendered else index
        return web.Response(text=f"<title>All</title><h1>All</h1>{text}", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", list_of)
    app.router.add_get("/js/", list_of)
    app.router.add_get("/{kind:js}/{number:\\d+}", page)
    app.router.add_get("/{number:\\d+}", page)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
