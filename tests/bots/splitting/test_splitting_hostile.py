"""Texts that break other splitters."""

import json

import pytest
import regex
from commonmark_judge import code, spans, unclosed

from bots.splitting import DISCORD, SLACK, Style, join, split
from bots.splitting.part import utf16_size


def checked(text: str, style: Style) -> list[str]:
    parts = split(text, style)
    assert join(parts) == text
    assert all(utf16_size(part.text) <= style.limit for part in parts)
    assert [unclosed(part.text) for part in parts] == [[]] * len(parts)
    return [part.text for part in parts]


@pytest.mark.parametrize("style", [DISCORD, SLACK, Style(300)])
@pytest.mark.parametrize("indent", [None, 0])
def test_a_fence_with_json_on_a_single_line(style: Style, indent: int | None) -> None:
    body = json.dumps([{"id": number, "tea": "Tezdum"} for number in range(120)], indent=indent)
    assert len(body) > 3000
    shown = checked(f"Here it is:\n\n```json\n{body}\n```\n\nEnjoy!", style)

    assert code(shown) == body.replace("\n", "")
    assert all(part.startswith("```json\n") for part in shown[1:-1])
    assert "Enjoy!" in shown[-1]
    if style.limit < 3000:
        assert len(shown) < 1.4 * (len(body) / style.limit + 1)


def test_a_fence_in_a_fence() -> None:
    inner = "```py\nprint(1)\n```\n" * 40
    shown = checked(f"````md\n{inner}````\nEnd", Style(200))
    assert code(shown) == inner.replace("\n", "")
    assert all(part.startswith("````md\n") for part in shown[1:-1])


def test_tildes_with_backticks_within() -> None:
    inner = "```\nwater & tea\n" * 40
    shown = checked(f"~~~\n{inner}~~~", Style(200))
    assert code(shown) == inner.replace("\n", "")


@pytest.mark.parametrize("before", ["- ", "1. ", "> ", "> - ", "- > ", "- - ", "   10.   "])
def test_a_fence_in_a_list_item_or_quote(before: str) -> None:
    lines = [f"line {number}" for number in range(60)]
    inside = "> ".join(" " * len(piece) for piece in before.split("> "))
    text = "\n".join([f"{before}text", f"{inside}```py", *(inside + line for line in lines)])
    shown = checked(f"{text}\n{inside}```\n\nEnd", Style(200))
    assert code(shown) == "".join(lines)


def test_a_fence_that_its_quote_ends() -> None:
    lines = "".join(f"> line {number}\n" for number in range(60))
    shown = checked(f"> ```\n{lines}\nA word outside", Style(200))
    assert code(shown) == lines.replace("> ", "").replace("\n", "")


@pytest.mark.parametrize("style", [DISCORD, SLACK, Style(100)])
def test_an_info_string_longer_than_a_message(style: Style) -> None:
    shown = checked(f"```{'x' * 13_000}\ncode\n```\nEnd", style)
    assert "x" * 50 in shown[1]
    assert "code" in code(shown)


@pytest.mark.parametrize("marker", ["`" * 13_000, "~" * 3_000, "`" * 300 + "py"])
def test_markers_longer_than_a_message(marker: str) -> None:
    checked(f"Look:\n\n{marker}\ncode\n{marker}\n\nEnd", Style(200))
    checked(f"Look: {marker} code {marker} End", Style(200))


def test_a_fence_that_never_ends() -> None:
    shown = checked("```py\n" + "x = 1\n" * 100, Style(200))
    assert all(part.endswith("\n```") for part in shown)


def test_a_fence_that_opens_behind_text() -> None:
    lines = "1. line\n" * 60
    shown = checked(f"Like this: ```py\n{lines}```\nEnd", Style(200))
    assert code(shown) == lines.replace("\n", "")
    assert shown[-1].endswith("End")


def test_cut_code_does_not_look_like_the_end_of_its_fence() -> None:
    line = "~~~ " * 100
    shown = checked(f"~~~\n{line}\n~~~~~~\n", Style(100))
    assert code(shown).replace("\u200b", "") == line


def test_a_fence_opened_at_the_very_end() -> None:
    assert checked("Look:\n```py", Style(100)) == ["Look:\n```py\n```"]


def test_a_fence_that_fits_into_no_more_than_the_next_message_is_moved_there() -> None:
    text = "word " * 35
    shown = checked(f"{text}\n\n```\n{'y' * 30}\n```", Style(200))
    assert shown[1] == f"```\n{'y' * 30}\n```"


@pytest.mark.parametrize(
    "word",
    ["a" * 60_000, "👩‍👩‍👧‍👦" * 5_000, "🇵🇰" * 10_000, "é" * 20_000, 
     "茶" * 60_000, "์" * 3_000, "`" * 60_000],
    ids=["a", "family", "flag", "accent", "han", "marks", "ticks"],
)  # fmt: skip
@pytest.mark.parametrize("style", [DISCORD, SLACK])
def test_a_word_of_60_000_characters(word: str, style: Style) -> None:
    parts = split(word, style)
    assert join(parts) == word
    assert all(utf16_size(part.text) <= style.limit for part in parts)
    assert len(parts) < 2.2 * utf16_size(word) / style.limit + 1
    if word[0] != "์":
        whole = len(regex.findall(r"\X", word))
        assert sum(len(regex.findall(r"\X", part.source)) for part in parts) == whole


def test_surrogates_that_came_apart_stay_together() -> None:
    pair = "\ud83d\ude00"
    parts = split(pair * 200, Style(101))
    assert all(len(part.source) % 2 == 0 for part in parts)


def test_links_code_mentions_and_emoji_stay_whole() -> None:
    pieces = [
        "[a link with words](https://example.com/a?b=c)", "`some inline code`",
        "<:custom:12345678>",
        "<https://example.com/auto>", "**bold words here**",
        "[![alt](https://a.example/i.png)](https://a.example)",
    ]  # fmt: skip
    for shift in range(60):
        text = "x" * shift + " " + " and then ".join(pieces * 4)
        shown = checked(text, Style(120))
        assert spans(shown) == spans([text])
        for piece in pieces:
            assert sum(part.count(piece) for part in shown) == 4


def test_a_link_longer_than_a_message_is_cut_all_the_same() -> None:
    checked(f"See [this](https://example.com/{'a' * 500}) now", Style(100))


@pytest.mark.parametrize("filler", ["\n", " ", "\t\n", "\u200b"])
def test_nothing_but_space(filler: str) -> None:
    checked(filler * 700, Style(200))


@pytest.mark.parametrize("text", ["", "\n", "\r\n", "a\r\nb\rc", "\x00", "\ud83d", "\u2028" * 300])
def test_odd_characters(text: str) -> None:
    assert join(split(text, Style(64))) == text


def test_a_message_ends_between_paragraphs_when_it_is_almost_full() -> None:
    text = "\n\n".join(["word " * 18 + "end."] * 12)
    shown = checked(text, Style(250))
    assert all(part.rstrip().endswith("end.") and part.startswith("word") for part in shown)


def test_what_a_cut_moves_to_the_beginning_of_a_line_begins_no_block() -> None:
    text = "word " * 100 + "# - > 1. ``` ~~~ " * 100
    shown = checked(text, Style(100))
    assert not any(regex.match(r"(#|-|>|1\.|```|~~~)\s", part) for part in shown)
