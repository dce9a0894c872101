import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.website.url import host_of, normalise, origin_of


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
        ("mailto:a@example.com", None),
        ("javascript:void(0)", None),
        ("/relative", None),
        ("http://", None),
        ("http://[broken", None),
        ("http://example.com:99999/", None),
        ("https://example.com/" + "a" * 2000, None),
    ],
)
def test_normalise(given_url: str, expected: str | None) -> None:
    assert normalise(given_url) == expected


_HOSTS = st.sampled_from(["example.com", "WWW.Example.org.", "127.0.0.1", "[::1]", "bücher.de"])
_PIECES = st.text(string.printable + "äé日%2F/?#&=.;:@[]", max_size=30)


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
