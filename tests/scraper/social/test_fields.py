import pytest

from scraper.social.fields import account_name, count_of, hashtags, text_of, time_of


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (17, 17), (0, 0), (-1, None), (None, None), (True, None), ("-1", None), ("", None),
        ("1,234", 1234), ("2.4K", 2400), ("3m", 3_000_000), ("12 likes", 12), ([1, 2], None),
        (float("nan"), None), (64.0, 64), ("64.0", 64), ("1.234", 1234), ("1\u00a0234", 1234),
        ("1,2 Tsd.", 1200), ("2,4 Mio.", 2_400_000), ("12,3 mil", 12_300), ("1.234K", 1234),
        ("1,234,567", 1_234_567), ("3 lakh", 300_000), ("1.2K views", 1200), ("views", None),
        ("3.4万", None), ("5 万", None), ("2.4Klikes", None), ("1.5 xyz", None), ("١٬٢٣٤", None),
        ("1,23,456", 123_456), ("12,34,56,789", 123_456_789), ("1,23,4567", None),
        (10**400, None), ("9" * 400, None), (float("inf"), None),
    ],
)  # fmt: skip
def test_counts(value: object, count: int | None) -> None:
    assert count_of(value) == count


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2025-08-06T07:22:37.000Z", "2025-08-06T07:22:37+00:00"),
        ("2025-08-06T09:22:37+02:00", "2025-08-06T07:22:37+00:00"),
        (1754464957, "2025-08-06T07:22:37+00:00"),
        (1754464957000, "2025-08-06T07:22:37+00:00"),
        ("1754464957", "2025-08-06T07:22:37+00:00"),
        ("yesterday", None),
        (None, None),
        (1e40, None),
    ],
)
def test_times(value: object, moment: str | None) -> None:
    assert time_of(value) == moment


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("TapalOfficial", "tapalofficial"),
        ("@tapal", "tapal"),
        ("https://www.instagram.com/Tapal.Tea/", "tapal.tea"),
        ("facebook.com/tapal?ref=x", "tapal"),
        ("https://www.facebook.com/profile.php?id=1000", "1000"),
        ("https://www.facebook.com/permalink.php?story_fbid=1", ""),
        ("https://www.instagram.com/p/ABC/", ""),
        (None, ""),
    ],
)
def test_account_names(value: object, name: str) -> None:
    assert account_name(value) == name


def test_hashtags_come_in_the_order_of_the_text() -> None:
    assert hashtags("a #Zwei und #Eins", ["Eins", "Zwei"]) == ["Zwei", "Eins"]
    assert hashtags("چائے #چائے and #Tea #Tea, not a#b nor &#39;") == ["چائے", "Tea"]
    assert hashtags("none") == []


def test_hashtags_keep_their_vowel_signs_and_hold_a_letter() -> None:
    assert hashtags("#चाय #हिन्दी #مِیٹھا #cafe\u0301") == ["चाय", "हिन्दी", "مِیٹھا", "cafe\u0301"]
    assert hashtags("We are #1 in #2024, #100Days #_") == ["100Days"]
    assert hashtags("❤️#tea, #️⃣ #chai☕️") == ["tea", "chai"]


def test_half_of_a_character_is_replaced() -> None:
    assert text_of({"a": "cut off \ud83d"}, "a") == "cut off \ufffd"
    assert text_of({"a": {"text": "\ude00x"}}, "a") == "\ufffdx"
    assert text_of({"a": "\ud83d\ude00"}, "a") == "😀", "two halves are a whole"
    assert hashtags("", ["tea\ud83d"]) == ["tea\ufffd"]
