"""What must not ping, and what must not be touched."""

import pytest

from bots.splitting import DISCORD, SLACK, quiet, split

JOINER = "\u2060"


@pytest.mark.parametrize(
    "ping",
    ["@everyone", "@here", "@channel", "<!channel>", "<!here|here>", "<!everyone>", "<@U024BE7LH>",
     "<@123456789>", "<@!123456789>", "<@&123456789>", "<!subteam^S012|team>", "(@here)",
     "x@everyone"],
)  # fmt: skip
@pytest.mark.parametrize(
    "around", ["{}", "Hi {}, hello", "`{}`", "```\n{}\n```", "> {}", "- {}\n", "# {}"]
)
def test_pings_are_shown_and_reach_nobody(ping: str, around: str) -> None:
    text = around.format(ping)
    for shown in (quiet(text), split(text, SLACK)[0].text, split(text, DISCORD)[0].text):
        assert ping not in shown
        assert ping in shown.replace(JOINER, "")


def test_a_table_pings_nobody() -> None:
    for style in (SLACK, DISCORD):
        text = split("| a | b |\n|---|---|\n| @here | <!channel> |\n", style)[0].text
        assert "@here" not in text
        assert "<!channel>" not in text


@pytest.mark.parametrize(
    "text",
    ["hereby", "https://example.com/@here", "https://medium.com/@channelnews", "info@here.example",
     "<!DOCTYPE html>", "<!-- a comment -->", "a < b @ c", "@Ana", "<#C123>", "<:tea:1>"],
)  # fmt: skip
def test_what_pings_nobody_stays(text: str) -> None:
    assert quiet(text) == text


def test_a_ping_that_comes_in_pieces_is_quiet_at_every_moment() -> None:
    from bots.splitting import Splitter

    text = "Hello @everyone and <!channel>!"
    growing = Splitter(SLACK)
    for end in range(len(text) + 1):
        growing.update(text[:end])
        for part in (growing.open, growing.settled):
            if part:
                assert "@everyone" not in part.text
                assert "<!channel" not in part.text
