import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.website.charset import decode

GERMAN = "Süße Brötchen für 3 € — täglich frisch"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (GERMAN.encode(), "text/html; charset=utf-8"),
        (GERMAN.encode(), "text/html; charset=iso-8859-1"),
        (GERMAN.encode("cp1252"), "text/html; charset=iso-8859-1"),
        (GERMAN.encode("utf-8-sig"), "text/html"),
        (GERMAN.encode("utf-16"), "text/html; charset=utf-8"),
        (b"<meta charset='windows-1252'>" + GERMAN.encode("cp1252"), "text/html"),
        (GERMAN.encode("cp1252"), "text/html; charset=nonsense"),
    ],
)
def test_decode(body: bytes, content_type: str) -> None:
    assert decode(body, content_type).endswith(GERMAN)


def test_detection_where_nothing_is_declared() -> None:
    russian = "<p>Мы печём хлеб каждое утро в дровяной печи.</p>" * 3
    assert decode(russian.encode("cp1251"), "text/html") == russian


def test_one_cut_character_does_not_spoil_utf8() -> None:
    assert decode(GERMAN.encode() + b"\xc3 end", "text/html") == GERMAN + "\ufffd end"


def test_seven_bit_encodings_are_not_taken_for_ascii() -> None:
    body = "パンは毎朝焼きます".encode("iso2022_jp")
    assert decode(body, "text/html; charset=iso-2022-jp") == "パンは毎朝焼きます"


@given(
    st.binary(max_size=300),
    st.sampled_from(["", "charset=utf-8", "charset=rot13", "charset=unicode_escape"]),
)
def test_never_fails(body: bytes, content_type: str) -> None:
    decode(body, content_type).encode()
