import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.clean.repair import mend_encoding, tidy


def repair(text: str) -> str:
    return tidy(mend_encoding(text))


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("donâ€™t stop", "don’t stop"),
        ("“Chai” – it’s on", "“Chai” – it’s on"),
        ("a\xa0 b\t c \r\n\r\n\r\n\r\nd", "a b c\n\nd"),
        ("Mutton \u200b\u200b2.5 kg\ufeff", "Mutton 2.5 kg"),
        ("one\n\u2800\ntwo", "one\n\ntwo"),
        ("👩‍👩‍👧 ❤️ 🇵🇰 #Tea\n☕", "👩‍👩‍👧 ❤️ 🇵🇰 #Tea\n☕"),
        ("نِیند می‌خواهم", "نِیند می‌خواهم"),
        ("#Tea \ufffd#Chai", "#Tea #Chai"),
        ("fish &amp; chips", "fish & chips"),
        ("a ﬁne ﬂan", "a ﬁne ﬂan"),
        ("", ""),
    ],
)
def test_repair(text: str, repaired: str) -> None:
    assert repair(text) == unicodedata.normalize("NFC", repaired)


@given(st.text())
def test_tidying_is_done_once_and_loses_no_visible_character(text: str) -> None:
    once = tidy(text)
    assert tidy(once) == once
    blank = "\u2800\u3164"
    assert "".join(once.split()) == "".join(c for c in "".join(text.split()) if c not in blank)


MOJIBAKE = st.text().map(lambda text: text.encode("utf-8").decode("cp1252", "replace"))
BROKEN = st.one_of(
    st.text(), MOJIBAKE,
    st.sampled_from(["&amp;lt;", "&am\u200bp;", "donâ€™t", "\x1b[1m", "ﬁ", "\u0958", "\r\n",
                     "\x00", "☕️", "👩‍👩‍👧", "#Tea", "\ud83d\ude00", "  \u2800 ", "\n\n\n", "é",
                     "e\u0301"]),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(BROKEN, max_size=5).map("".join))
def test_repairing_is_done_once_and_lengthens_nothing(text: str) -> None:
    """Length is told in NFC, which splits some letters, such as U+0958, in two."""
    once = repair(text)
    assert repair(once) == once
    assert len(once) <= len(unicodedata.normalize("NFC", text))


@given(st.lists(st.sampled_from(["☕", "#Tea", "\n", "\n\n", "❤️", "🇵🇰", "chai", "–", "…"])))
def test_emoji_hashtags_and_line_breaks_stay(parts: list[str]) -> None:
    text = tidy(" ".join(parts))
    assert repair(text) == text
    assert "".join(text.split()) == "".join("".join(parts).split())
