from collections.abc import Callable

import pytest

from onbrand.record import Record
from scraper.clean.filters import (
    has_text,
    is_by_the_brand,
    is_first_of_its_place,
    is_long_enough,
    is_new_text,
)
from scraper.clean.titles import file_title

MakeRecord = Callable[..., Record]


def test_empty_texts_are_dropped(make_record: MakeRecord) -> None:
    assert has_text(make_record("x")) is True
    assert has_text(make_record("")) == (False, "it has no text")


def test_the_second_of_one_place_is_dropped(make_record: MakeRecord) -> None:
    judge = is_first_of_its_place()
    first = make_record("one", "a")
    assert judge(first) is True
    assert judge(make_record("two", "a")) == (False, "file:a came in before", first.id)


def test_other_accounts_are_named(make_record: MakeRecord) -> None:
    judge = is_by_the_brand(["@Brand", "https://www.instagram.com/brand.two/"])
    for author in ("brand", "brand.two", ""):
        assert judge(make_record("x", author=author)) is True
    assert judge(make_record("x", author="else")) == (
        False,
        "account else is not in social.accounts",
    )
    assert is_by_the_brand([])(make_record("x", author="else")) is True


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("One two three four", True),
        ("One two three", False),
        ("One two three #four @five https://six.invalid ☕☕", False),
        ("#KhanayKayBaad #TapalGreenTea #SipOfGlamour #BCW19 #HBCW19", False),
        ("چائے کا وقت ہے", True),
        ("お茶の時間です", True),
    ],
)
def test_length_counts_words_of_prose(make_record: MakeRecord, text: str, kept: bool) -> None:
    verdict = is_long_enough(4)(make_record(text))
    assert (verdict is True) == kept
    if verdict is not True:
        assert "of 4 words" in verdict[1]


def test_the_same_text_again_is_dropped(make_record: MakeRecord) -> None:
    judge = is_new_text()
    first = make_record("Chai is ready\n☕", "a")
    assert judge(first) is True
    again = make_record("CHAI  is\nready ☕", "b")
    assert judge(again) == (False, f"the same text as {first.id}", first.id)
    assert judge(make_record("Chai is ready", "c")) is True


@pytest.mark.parametrize(
    ("path", "text", "title"),
    [
        ("a.txt", "Tapal Tezdum\n\nTapal Tezdum has always…", "Tapal Tezdum"),
        ("a.md", "# What is it?\nTea.", "What is it?"),
        ("site/brands_tapal-chenak_.txt", "Tea is good.\nMore.", "brands tapal chenak"),
        ("contact-us_.txt", "[email] [phone]\nContact", "contact us"),
        ("about.txt", "One line only", "about"),
        ("#.txt", "A full sentence stands here.\nAnother.", ""),
        ("2003.txt", "1947\n1977", ""),
        ("x.txt", "- a list\n- of things", "x"),
    ],
)
def test_titles_of_files(path: str, text: str, title: str) -> None:
    assert file_title(path, text) == title
