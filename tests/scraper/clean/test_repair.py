import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.clean.repair import repair, tidy


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
