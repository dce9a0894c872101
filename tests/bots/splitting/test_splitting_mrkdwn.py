"""Slack's own mark-up."""

import pytest

from bots.splitting import mrkdwn, shortened


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**bold** and *soft* and ~~gone~~", "*bold* and _soft_ and ~gone~"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("[our tea](https://example.com/?a=1&b=2)", "<https://example.com/?a=1&amp;b=2|our tea>"),
        ("`a<b`", "`a&lt;b`"),
        ("```py\nx<1\n```", "```\nx&lt;1\n```"),
        ("- one\n- two", "• one\n• two"),
        ("1. one\n2. two", "1. one\n2. two"),
        ("# Title\n\ntext", "*Title*\ntext"),
        ("<!channel> @here <@U1>", "&lt;!channel&gt; @\u2060here &lt;@U1&gt;"),
        ("[all](!channel) [her](@U1) [there](#C1) [on](/page)", "all her there on"),
        ("![all](!here)", "all"),
        ("line\nbreak", "line\nbreak"),
        ("", ""),
    ],
)
def test_markdown_as_mrkdwn(markdown: str, expected: str) -> None:
    assert mrkdwn(markdown) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("short", "short"),
        ("one two three four five", "one two …"),
        ("one &amp;&amp;&amp;&amp;&amp;&amp;", "one …"),
        ("one <https://example.com|two three>", "one …"),
        ("x" * 30, "x" * 12 + " …"),
        ("پانی پانی پانی پانی", "پانی …"),
    ],
)
def test_the_beginning_of_what_is_too_long(words: str, expected: str) -> None:
    assert shortened(words, 16) == expected
