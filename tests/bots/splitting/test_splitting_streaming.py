"""An answer that grows, as the surfaces use the splitter."""

import re
from pathlib import Path

import pytest

from bots.splitting import DISCORD, SLACK, Splitter, Style, split

PAGE = Path(__file__).parents[3] / "docs" / "bots-messages.md"


def test_what_the_documentation_shows_works() -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {"text": "Tea. " * 900, "text_so_far": "Tea. Te"}
    exec(shown, names)
    assert names["parts"] == split("Tea. " * 900, DISCORD)


def test_a_short_answer_is_one_open_message() -> None:
    growing = Splitter(DISCORD)
    assert growing.open is None
    growing.update("Our tea is ver")
    assert growing.open is not None
    assert growing.open.text == "Our tea is ver"
    assert not growing.closed


def test_a_fence_is_closed_in_what_is_drawn_now() -> None:
    growing = Splitter(SLACK)
    growing.update("Like this:\n```py\nx = 1\ny =")
    assert growing.open is not None
    assert growing.open.text == "Like this:\n```py\nx = 1\ny =\n```"


def test_what_is_appended_ends_where_more_text_could_change_it() -> None:
    growing = Splitter(SLACK)
    growing.update("See [our te")
    assert growing.settled is not None
    assert growing.settled.shown == "See "
    growing.update("See [our tea](https://example.com) and ")
    assert growing.settled.shown == "See [our tea](https://example.com) "


@pytest.mark.parametrize("begun", ["0 1 2 3", "- 3 4", "#7 8", "> 9 10", "`a` b", "1234567890 1"])
def test_a_line_is_shown_as_soon_as_it_is_clear_what_it_is(begun: str) -> None:
    growing = Splitter(SLACK)
    growing.update(begun)
    assert growing.settled is not None


def test_appending_the_deltas_gives_the_messages() -> None:
    text = "".join(
        f"Paragraph {n} with [a link](https://e.com/{n}).\n\n```py\n{n}\n```\n" for n in range(99)
    )
    growing, messages = Splitter(Style(300)), [""]
    for end in [*range(0, len(text), 7), len(text)]:
        growing.update(text[:end])
        while len(messages) <= len(growing.closed):
            closed = growing.closed[len(messages) - 1]
            assert closed.shown.startswith(messages[-1])
            messages[-1] = closed.text
            messages.append("")
        if growing.settled:
            assert growing.settled.shown.startswith(messages[-1])
            messages[-1] = growing.settled.shown
    parts = growing.finish(text)
    assert [part.text for part in parts[:-1]] == messages[: len(parts) - 1]


def test_the_same_parts_whichever_way_the_text_comes() -> None:
    text = "Some words, `code` and **bold**, " * 200
    growing = Splitter(DISCORD)
    for end in range(len(text)):
        growing.update(text[:end])
    assert growing.finish(text) == split(text, DISCORD)


def test_a_table_is_drawn_while_it_grows() -> None:
    growing = Splitter(DISCORD)
    growing.update("| Tea | Price |\n|---|---|\n| Tezdum | Rs. 2")
    assert growing.open is not None
    assert growing.open.text == "```\nTea    | Price\n-------+------\nTezdum | Rs. 2\n```"
    assert growing.settled is None
