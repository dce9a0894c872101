"""The demo brand: its site answers, and its pages and exports hold what its README says."""

from __future__ import annotations

import difflib
import http.client
import itertools
import json
import re
import socket
import threading
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from examples.saltmarsh import serve_site
from examples.saltmarsh.serve_site import HERE, compose, load_pages, make_server

PHONE = "01632 960187"
OTHER_ACCOUNT = "gullandkettle.wrackport"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = make_server("127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(
    port: int, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()
    finally:
        connection.close()


def main_of(page_html: str) -> str:
    match = re.search(r"<main.*?</main>", page_html, re.DOTALL)
    assert match
    return match.group()


def words_of(fragment: str) -> list[str]:
    return re.sub(r"<[^>]+>", " ", fragment).split()


def links_of(page_html: str) -> set[str]:
    return set(re.findall(r'href="(/[^"]*)"', page_html.split("</head>")[1]))


def items(name: str) -> list[dict[str, Any]]:
    loaded = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    assert isinstance(loaded, list)
    return loaded


FACEBOOK = items("facebook")
INSTAGRAM = items("instagram")
POSTS = {
    "facebook": [item["text"] for item in FACEBOOK if item.get("text")],
    "instagram": [item["caption"] for item in INSTAGRAM if item.get("caption")],
}


# The site


def test_pages_are_counted_by_kind() -> None:
    pages = load_pages()
    assert len({page.path for page in pages}) == len(pages) == 29
    assert sum(page.is_public for page in pages) == 27
    assert {page.render for page in pages} == {"html", "js"}
    assert sum(page.source == "inline" for page in pages) == 3
    assert sum(page.source == "fetch" for page in pages) == 2
    assert sum(page.render == "js" for page in pages) == 5


def test_every_page_has_prose_of_its_own_in_the_voice() -> None:
    for page in load_pages():
        assert 150 <= len(words_of(page.body)) <= 300, page.path
        assert page.body.startswith("<h1>"), page.path
        assert "shipmate" in page.body, page.path
        assert page.description, page.path
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", page.updated), page.path


def test_robots_disallows_staff_and_names_the_sitemap(port: int) -> None:
    status, headers, text = fetch(port, "/robots.txt")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain")
    assert "Disallow: /staff/" in text.splitlines()
    assert f"Sitemap: http://127.0.0.1:{port}/sitemap.xml" in text.splitlines()
    assert sum(page.path.startswith("/staff/") for page in load_pages()) == 2


def test_every_sitemap_address_answers(port: int) -> None:
    status, _, text = fetch(port, "/sitemap.xml")
    assert status == 200
    locations = re.findall(r"<loc>(.*?)</loc>", text)
    assert len(locations) == 25
    origin = f"http://127.0.0.1:{port}"
    for location in locations:
        assert location.startswith(f"{origin}/")
        assert fetch(port, location.removeprefix(origin))[0] == 200, location
    assert "/staff/" not in text


def test_the_host_header_makes_the_absolute_addresses(port: int) -> None:
    text = fetch(port, "/sitemap.xml", headers={"Host": "saltmarsh.example:8080"})[2]
    assert "<loc>http://saltmarsh.example:8080/faq/</loc>" in text


def test_pages_share_one_header_and_footer(port: int) -> None:
    frames = set()
    for page in load_pages():
        status, _, text = fetch(port, page.path)
        assert status == 200, page.path
        header = re.search(r"<header>.*?</header>", text, re.DOTALL)
        footer = re.search(r"<footer.*?</footer>", text, re.DOTALL)
        assert header
        assert footer
        frames.add((header.group(), footer.group()))
    assert len(frames) == 1
    ((header_text, footer_text),) = frames
    assert "Spring refit" in header_text
    for expected in (PHONE, "ahoy@saltmarsh.example", "newsletter", "cookie", "All rights"):
        assert expected in footer_text


def test_js_pages_carry_their_text_only_as_json(port: int) -> None:
    for page in (page for page in load_pages() if page.render == "js"):
        text = fetch(port, page.path)[2]
        assert words_of(main_of(text)) == words_of(serve_site.NOSCRIPT), page.path
        if page.source == "fetch":
            assert f'fetch("{page.data_path}")' in text
            status, headers, blob = fetch(port, page.data_path)
            assert (status, headers["Content-Type"].split(";")[0]) == (200, "application/json")
        else:
            match = re.search(r'<script type="application/json".*?>(.*?)</script>', text, re.DOTALL)
            assert match
            blob = match.group(1)
        assert json.loads(blob)["html"] == page.body


def test_html_pages_carry_their_text_in_main(port: int) -> None:
    page = next(page for page in load_pages() if page.path == "/dry-dock/")
    assert page.body in main_of(fetch(port, page.path)[2])


def test_two_pages_by_the_sitemap_only_and_two_by_links_only() -> None:
    pages = {page.path: page for page in load_pages()}
    seen, queue = set(), {"/"}
    while queue:
        path = queue.pop()
        seen.add(path)
        queue |= links_of(compose(pages[path])) - seen  # a dead link is a KeyError here
    listed = {path for path, page in pages.items() if page.in_sitemap}
    assert listed - seen == {"/journal/salt-and-chain/", "/journal/the-night-the-sea-came-in/"}
    public = {path for path in seen - listed if pages[path].is_public}
    assert public == {"/guarantee/", "/journal/mending-a-hull-breach/"}
    assert seen - listed - public == {"/staff/rota/", "/staff/price-book/"}


def test_faq_headings_are_questions() -> None:
    faq = next(page for page in load_pages() if page.path == "/faq/")
    questions = re.findall(r"<h3>(.*?)</h3>", faq.body)
    assert len(questions) >= 8
    assert all(question.endswith("?") for question in questions)


def test_unknown_pages_are_404_with_the_same_layout(port: int) -> None:
    for path in ("/kraken/", "//[", "/../serve_site.py", "/about"):
        status, _, text = fetch(port, path)
        assert status == 404, path
        assert "Lost at sea" in main_of(text)


def test_etag_saves_a_second_download(port: int) -> None:
    etag = fetch(port, "/about/")[1]["ETag"]
    assert fetch(port, "/about/?tide=high")[1]["ETag"] == etag
    status, _, text = fetch(port, "/about/", headers={"If-None-Match": etag})
    assert (status, text) == (304, "")
    assert fetch(port, "/faq/", headers={"If-None-Match": etag})[0] == 200


def test_head_sends_headers_only(port: int) -> None:
    status, headers, text = fetch(port, "/", method="HEAD")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 1000


def test_a_port_in_use_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        assert serve_site.main(["--port", str(number)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"Cannot serve on 127.0.0.1:{number}: the port is in use; try --port.\n"


def test_brand_file_names_the_exports_and_the_account() -> None:
    brand = tomllib.loads((HERE / "brand.toml").read_text("utf-8"))
    assert brand["brand"]["name"] == "Saltmarsh & Daughters"
    social = brand["social"]
    assert all((HERE / name).is_file() for name in social["facebook_exports"])
    assert all((HERE / name).is_file() for name in social["instagram_exports"])
    assert social["accounts"] == ["saltmarshdaughters"]


# The exports


def test_exports_have_their_size_and_one_error_each() -> None:
    assert (len(FACEBOOK), len(INSTAGRAM)) == (80, 120)
    for export in (FACEBOOK, INSTAGRAM):
        errors = [item for item in export if "error" in item]
        assert [error["error"] for error in errors] == ["not_found"]
        assert set(errors[0]) == {"url", "error", "errorDescription"}


def test_addresses_are_different_and_times_are_in_range() -> None:
    for export, key in ((FACEBOOK, "time"), (INSTAGRAM, "timestamp")):
        assert len({item["url"] for item in export}) == len(export)
        times = [item[key] for item in export if "error" not in item]
        assert times == sorted(times, reverse=True)
        assert {time[:4] for time in times} == {"2023", "2024", "2025", "2026"}


def test_four_posts_have_no_text() -> None:
    posts = [(item, "text") for item in FACEBOOK] + [(item, "caption") for item in INSTAGRAM]
    real = [(item, key) for item, key in posts if "error" not in item]
    assert sum(item.get(key) == "" for item, key in real) == 2
    assert sum(key not in item for item, key in real) == 2


def test_repeats_are_three_exact_and_eight_near() -> None:
    labelled = [(name, text) for name, texts in POSTS.items() for text in texts]
    exact, near = [], []
    for (name, text), (other_name, other) in itertools.combinations(labelled, 2):
        kind = "+".join(sorted({name, other_name}))
        if text == other:
            exact.append(kind)
            continue
        words, other_words = set(text.split()), set(other.split())
        if len(words & other_words) / len(words | other_words) > 0.5:
            near.append(kind)
            changes = difflib.SequenceMatcher(None, text.split(), other.split()).get_opcodes()
            assert [change[0] for change in changes].count("replace") == 1
    assert exact == ["facebook+instagram"] * 3
    assert sorted(near) == ["facebook"] * 2 + ["facebook+instagram"] * 3 + ["instagram"] * 3
    others = [item for item in INSTAGRAM if item.get("ownerUsername") == OTHER_ACCOUNT]
    assert len(labelled) - len(exact) - len(near) - len(others) == 177


def test_owners_likes_and_adverts() -> None:
    real = [item for item in INSTAGRAM if "error" not in item]
    assert sum(item.get("ownerUsername") == OTHER_ACCOUNT for item in real) == 6
    assert sum("ownerUsername" not in item for item in real) == 1
    assert sum(item.get("ownerUsername") == "saltmarshdaughters" for item in real) == 112
    assert sum(item["likesCount"] == -1 for item in real) == 4
    assert sum(item["isSponsored"] for item in real) == 1
    assert {item["pageName"] for item in FACEBOOK if "error" not in item} == {"saltmarshdaughters"}


def test_one_post_carries_a_telephone_number() -> None:
    texts = POSTS["facebook"] + POSTS["instagram"]
    assert [PHONE in text for text in texts].count(True) == 1
    assert sum(bool(re.search(r"\d{5} \d{6}", text)) for text in texts) == 1


def test_the_brands_posts_are_short_and_keep_the_voice() -> None:
    own = POSTS["facebook"] + [
        item["caption"]
        for item in INSTAGRAM
        if item.get("caption") and item.get("ownerUsername") != OTHER_ACCOUNT
    ]
    assert all(15 <= len(text.split()) <= 60 for text in own)
    assert sum("shipmate" in text.lower() for text in own) > 0.7 * len(own)
    signed = sum("Fair winds" in text for text in own)
    assert 0.3 * len(own) < signed < 0.7 * len(own)
    assert sum("£" in text for text in own) > 40


def test_hashtags_are_those_of_the_caption() -> None:
    for item in INSTAGRAM:
        if "error" not in item:
            assert item["hashtags"] == re.findall(r"#(\w+)", item.get("caption") or "")
