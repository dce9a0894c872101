import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onbrand.errors import OnbrandError
from scraper.raw import Page
from scraper.website.frontier import Entry, Frontier, Sifted
from scraper.website.results import Results, unpack

NAMES = [f"http://x/{letter}" for letter in "abcdefghij"]
# What a URL turns out to be: None fails, a string redirects there, a list is a page with links.
Graph = dict[str, str | list[str] | None]
_NAME = st.sampled_from(NAMES)
graphs = st.fixed_dictionaries(
    {name: st.none() | _NAME | st.lists(_NAME, max_size=4) for name in NAMES}
)


def page(url: str, depth: int = 0) -> Page:
    return Page(
        url=url, final_url=url, status=200, fetched_at="", content_hash="", html="", depth=depth
    )


def visit(frontier: Frontier, graph: Graph, entry: Entry) -> None:
    content = graph[entry.url]
    if content is None:
        frontier.finish_failed(entry.url, "HTTP 404")
    elif isinstance(content, str):
        frontier.finish_redirect(entry, content)
    else:
        frontier.finish_page(page(entry.url, entry.depth), Sifted(content))


@settings(max_examples=40, deadline=None)
@given(graph=graphs, most=st.integers(1, 6), data=st.data())
def test_any_order_of_answers_gives_the_same_crawl(
    graph: Graph, most: int, data: st.DataObject
) -> None:
    """Answers come in any order, with any number in flight, over any number of restarts."""
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for name in ("in-order", "shuffled"):
            path = Path(folder) / name
            frontier = Frontier(path, "same")
            frontier.seed([NAMES[0], NAMES[3]], Sifted([NAMES[5]]), {})
            while (room := most - frontier.done) and (waiting := frontier.next(room)):
                choice = 0
                if name == "shuffled":
                    choice = data.draw(st.integers(0, len(waiting) - 1))
                    if data.draw(st.booleans()):
                        frontier.close()
                        frontier = Frontier(path, "same")
                visit(frontier, graph, waiting[choice])
            found = Results(frontier.db)
            pages = [(url, unpack(packed).depth) for url, packed in found.packed_pages()]
            results.append((pages, found.failed(), found.counts()))
            frontier.close()
    assert results[0] == results[1]
    assert results[0][2].done <= most


def test_a_page_that_is_found_again_moves_up(tmp_path: Path) -> None:
    with_links = Frontier(tmp_path / "f", "")
    with_links.seed(["http://x/"], Sifted(["http://x/listed"]), {})
    assert with_links.next(9) == [Entry("http://x/", 0, 0)]
    with_links.finish_page(page("http://x/"), Sifted(["http://x/listed", "http://x/b"]))
    assert with_links.next(9) == [Entry("http://x/b", 1, 0), Entry("http://x/listed", 1, 0)]


def test_circles_of_redirects_are_named_whole(tmp_path: Path) -> None:
    frontier = Frontier(tmp_path / "f", "")
    graph: Graph = {"into": "a", "a": "b", "b": "c", "c": "a", "self": "self"}
    frontier.seed(["into", "self"], Sifted(), {})
    while waiting := frontier.next(1):
        visit(frontier, graph, waiting[0])
    assert [row.locator for row in Results(frontier.db).failed()] == ["a", "b", "c", "self"]
    assert Results(frontier.db).failure_of("into") == ("a", "it redirects in a circle")


def test_frontier_is_held_by_one(tmp_path: Path) -> None:
    first = Frontier(tmp_path / "f", "")
    with pytest.raises(OnbrandError, match="is in use"):
        Frontier(tmp_path / "f", "")
    first.close()
    Frontier(tmp_path / "f", "").close()


def test_file_with_older_tables_is_emptied(tmp_path: Path) -> None:
    older = sqlite3.connect(tmp_path / "f")
    older.executescript(
        "CREATE TABLE url (url TEXT PRIMARY KEY, page BLOB); INSERT INTO url VALUES ('a', 'x');"
        "CREATE TABLE robots (origin TEXT); CREATE TABLE crawl (key TEXT PRIMARY KEY, value TEXT);"
        "INSERT INTO crawl VALUES ('identity', 'same');"
    )
    older.close()
    frontier = Frontier(tmp_path / "f", "same")
    assert (frontier.done, frontier.waiting, frontier.seeded) == (0, 0, False)
    frontier.close()
