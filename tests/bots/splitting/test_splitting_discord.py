"""Markdown as Discord writes it."""

import pytest

from bots.splitting import DISCORD, join, split


def shown(text: str) -> str:
    parts = split(text, DISCORD)
    assert join(parts) == text
    (part,) = parts
    return part.text


def test_a_table_is_set_in_fixed_width() -> None:
    assert shown(
        "Ours:\n\n| Tea | Price |\n|:---|---:|\n| **Tezdum** | 250 |\n| 茶 | a\\|b |\n\nEnd"
    ) == ("Ours:\n\n```\nTea    | Price\n-------+------\nTezdum | 250\n茶     | a|b\n```\n\nEnd")


def test_a_wide_table_becomes_a_list() -> None:
    long = "a story that takes more room than there is beside the others"
    assert shown(
        f"| Tea | Story | Price |\n|---|---|---|\n| Tezdum | {long} | 250 |\n| Chai | | 90 |\n"
    ) == (f"- **Tezdum** · Story: {long} · Price: 250\n- **Chai** · Price: 90\n")


def test_a_table_longer_than_a_message_is_cut_between_rows_and_named_again() -> None:
    rows = "".join(f"| Tea number {number} | {number} |\n" for number in range(200))
    text = f"| Tea | Price |\n|---|---|\n{rows}"
    parts = split(text, DISCORD)
    assert join(parts) == text
    assert all(len(part.text) <= 2000 for part in parts)
    assert all(part.text.startswith("```\nTea") for part in parts)
    assert sum(part.text.count("Tea number") for part in parts) == 200


def test_what_looks_like_a_table_in_code_is_code() -> None:
    text = "```\n| a | b |\n|---|---|\n```"
    assert shown(text) == text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("#### Brewing ####\n", "**Brewing**\n"),
        ("##### The **best** way", "**The best way**"),
        ("### Small\n", "### Small\n"),
        ("#hashtag", "#hashtag"),
        ("+ one\n+ two", "- one\n- two"),
        ("1 + 1", "1 + 1"),
        ("![logo](https://a.example/l.png) `![x](y)`", "[logo](https://a.example/l.png) `![x](y)`"),
        ("~~~py\nx\n~~~", "```py\nx\n```"),
        ("````md\n```py\nx\n```\n````", "```md\n`\u200b`\u200b`py\nx\n`\u200b`\u200b`\n```"),
        ("```json title=x\n{}\n```", "```json\n{}\n```"),
        ("- item\n\n  ```py\n  x\n    y\n  ```\n- next", "- item\n\n```py\nx\n  y\n```\n- next"),
        ("> ```py\n> x\n> ```", "> ```py\n> x\n> ```"),
        ("Write ``` first.\n```\nx\n```", "Write `\u200b`\u200b` first.\n```\nx\n```"),
        ("Write ```x``` so", "Write ```x``` so"),
        ("So: ```py\nx\n\ny\n```\nEnd", "So: \n```py\nx\n\ny\n```\nEnd"),
        ("> ```py\n> x\n\nfree", "> ```py\n> x\n> ```\n\nfree"),
    ],
)  # fmt: skip
def test_what_discord_does_not_know_is_written_as_it_does(written: str, expected: str) -> None:
    assert shown(written) == expected


def test_a_nested_list_begins_at_the_margin_in_the_next_message() -> None:
    items = "".join(f"    - tea number {number}, which is good\n" for number in range(120))
    parts = split(f"1.  Teas\n{items}2.  End\n", DISCORD)
    assert parts[1].text.startswith("- tea number")
    assert "\n- tea number" in parts[1].text
    assert parts[-1].text.endswith("2.  End\n")
