import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.website.url import host_of, loose_spelling, normalise, origin_of
from tests.scraper.website.site import Site, bakery


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("HTTP://Example.COM:80", "http://example.com/"),
        ("https://example.com:443/a#part", "https://example.com/a"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("https://example.com/?utm_source=x&b=2&a=1&fbclid=3", "https://example.com/?b=2&a=1"),
        ("https://example.com/?utm_source=x", "https://example.com/"),
        ("https://example.com/?", "https://example.com/"),
        ("https://example.com/a/../b/./c", "https://example.com/b/c"),
        ("https://me:secret@example.com/", "https://example.com/"),
        ("https://example.com/a%2Fb%3Fc?d=%26", "https://example.com/a%2Fb%3Fc?d=%26"),
        ("https://example.com./", "https://example.com/"),
        (
            "https://bücher.example/ä ö?q=ü",
            "https://xn--bcher-kva.example/%C3%A4%20%C3%B6?q=%C3%BC",
        ),
        (" https://exa\nmple.com/\t", "https://example.com/"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x"),
        ("https://example.com/%7ejo/%e4%bd%a0/a%2fb", "https://example.com/~jo/%E4%BD%A0/a%2Fb"),
        ("https://example.com/a/%2E%2E/b", "https://example.com/b"),
        ("https://example.com/../..", "https://example.com/"),
        ("https://example.com/a/b/..", "https://example.com/a/"),
        ("https://example.com/a\\b", "https://example.com/a/b"),
        ("https://example.com/100%/off", "https://example.com/100%25/off"),
        ("https://example.com/#!/about", "https://example.com/"),
        ("https://example.com/a;jsessionid=1A2B?x=1", "https://example.com/a?x=1"),
        ("https://example.com/(S(lit3py55t21z5v55vlm25s55))/a", "https://example.com/a"),
        ("https://example.com/a;v=1", "https://example.com/a;v=1"),
        ("https://example.com/a/..;jsessionid=1/b", "https://example.com/b"),
        ("https://example.com/a/.;sid=2/b", "https://example.com/a/b"),
        ("https://example.com/(S(x));sid=1/b", "https://example.com/b"),
        ("https://example.com/a/(S(x))/..", "https://example.com/"),
        ("https://example.com/?PHPSESSID=1&a=1&a=1&pk_campaign=x", "https://example.com/?a=1&a=1"),
        ("https://example.com/?sid=4f1c2b3a4d5e6f708192", "https://example.com/"),
        ("https://example.com/?sid=shoes", "https://example.com/?sid=shoes"),
        ("https://example.com/A?B=c+d", "https://example.com/A?B=c+d"),
        ("https://example.com//a//b", "https://example.com//a//b"),
        ("http://0177.0.0.1/", "http://0177.0.0.1/"),
        ("mailto:a@example.com", None),
        ("javascript:void(0)", None),
        ("/relative", None),
        ("http://", None),
        ("http://[broken", None),
        ("http://example.com:99999/", None),
        ("http://exa mple.com/", None),
        ("http://[fe80::1%25eth0]/", None),
        ("https://example.com/" + "a" * 2000, "https://example.com/" + "a" * 2000),
    ],
)
def test_normalise(given_url: str, expected: str | None) -> None:
    assert normalise(given_url) == expected


_HOSTS = st.sampled_from(["example.com", "WWW.Example.org.", "127.0.0.1", "[::1]", "bücher.de"])
_PIECES = st.lists(
    st.text(string.printable + "äé日%2F/?#&=.;:@[]", max_size=30)
    | st.sampled_from(["/", "/.", "/..", ";sid=1", "/(S(x))"]),
    max_size=6,
).map("".join)


@given(
    st.builds(
        "{}://{}{}/{}?{}#{}".format,
        st.sampled_from(["http", "HTTPS"]),
        _HOSTS,
        st.sampled_from(["", ":80", ":443", ":8080"]),
        _PIECES,
        _PIECES,
        _PIECES,
    )
    | st.text(max_size=60)
)
def test_normalising_twice_changes_nothing(url: str) -> None:
    once = normalise(url)
    if once is not None:
        assert normalise(once) == once
        assert once.isascii()
        assert "#" not in once
        assert once.startswith(origin_of(once) + "/")
        assert host_of(once) == host_of(once).lower()


def _pages() -> dict[str, object]:
    """Every address of the test site, and what is told apart there."""
    with Site() as site:
        bakery(site, "http://127.0.0.1:9")
        found = dict(site.pages)
    more = [
        "/a", "/A", "/a/", "//a", "/a//", "/a?", "/a%20", "/a+", "/a%2B", "/a%2Fb", "/a/b", "/b/a",
        "/a?x=1", "/a?x=1&y=2", "/a?y=2&x=1", "/a?X=1", "/a?x=", "/a?x", "/a?x=1&x=2", "/a?x=2&x=1",
        "/a?page=2", "/a?page=3", "/a?id=2", "/a?utm=1", "/a?ref=1", "/a?gclid_=1", "/a;v=1",
        "/a?pk_id=1", "/a?pk_id=2", "/a?mtm_id=1", "/a?mtm_id=2", "/a?hsa_id=1", "/a?hsa_id=2",
        "/a;v=2", "/index.html", "/index.php", "/a.b", "/a.b.", "/...", "/a?q=%26", "/a?q=&",
        "/a?sid=red", "/a?sid=blue", "/a?session=spring", "/a?s=x", "/caf%C3%A9", "/cafe",
        "/a?q=1%2B1", "/a?q=1+1", "/%25", "/%2525", "/~a", "/(a)", "/(S)", "/a?=1", "/a?q=a%3Db",
    ]  # fmt: skip
    found |= {path: path for path in more}
    del found["/a?"]  # the same as /a on every server that is known
    del found["/a?q=&"]  # an empty parameter says nothing
    return found


PAGES = _pages()
BASE = "http://shop.example.com"


def test_no_two_pages_of_the_test_site_are_one() -> None:
    spellings = {normalise(BASE + path) for path in PAGES}
    assert len(spellings) == len(PAGES)


def _with_escape(path: str, place: int) -> str:
    """One unreserved character written as an escape."""
    letters = [n for n, character in enumerate(path) if character.isalpha()]
    if "%" in path or not letters:
        return path
    at = letters[place % len(letters)]
    return f"{path[:at]}%{ord(path[at]):02x}{path[at + 1 :]}"


@given(
    path=st.sampled_from(sorted(PAGES)),
    scheme=st.sampled_from(["http", "HTTP"]),
    host=st.sampled_from(["shop.example.com", "SHOP.Example.COM", "shop.example.com."]),
    port=st.sampled_from(["", ":80", ":"]),
    fragment=st.sampled_from(["", "#", "#top", "#!/x", "#?a=1"]),
    dots=st.sampled_from(["", "/.", "/x/..", "/x/y/../.."]),
    tracking=st.sampled_from(["", "utm_source=a", "pk_kwd=b&hsa_cam=c", "PHPSESSID=1"]),
    escaped=st.none() | st.integers(0, 20),
)
def test_every_way_to_write_a_page_is_the_page(
    path: str, scheme: str, host: str, port: str, fragment: str, dots: str, tracking: str,
    escaped: int | None,
) -> None:  # fmt: skip
    """So none of them can be another page either, for those are all different."""
    written = path if escaped is None else _with_escape(path, escaped)
    if tracking:
        written += ("&" if "?" in written else "?") + tracking
    url = f"{scheme}://{host}{port}{dots}{written}{fragment}"
    assert normalise(url) == normalise(BASE + path)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://example.com/a", "https://www.example.com/a/", True),
        ("http://example.com/", "http://example.com/index.html", True),
        ("http://example.com/a?x=1&y=2", "http://example.com/a?y=2&x=1", True),
        ("http://example.com/a?x=1", "http://example.com/a?x=2", False),
        ("http://example.com/a", "http://example.com/A", False),
        ("http://blog.example.com/a", "http://example.com/a", False),
    ],
)
def test_loose_spelling(one: str, other: str, same: bool) -> None:
    assert (loose_spelling(one) == loose_spelling(other)) is same
