import pytest

from bots.slack.markup import mentions, to_markdown

NAMES = {"U0ANA": "Ana"}


@pytest.mark.parametrize(
    ("slack", "markdown"),
    [
        ("<@U0BOT> hello", "hello"),
        ("  <@U0BOT>, hello", "hello"),
        ("hello <@U0BOT>", "hello @someone"),
        ("ask <@U0ANA> or <@U0BEN|ben>", "ask @Ana or @ben"),
        ("in <#C1|tea> or <#C2>", "in #tea or #channel"),
        ("<!here> <!channel> <!subteam^S1|@team> <!subteam^S1>", "@here @channel @team @subteam"),
        (
            "<https://x.org|x> <https://x.org> <mailto:a@x.org|a@x.org>",
            "[x](https://x.org) https://x.org a@x.org",
        ),
        ("*bold* _it_ ~gone~ 2*3*4 a*b", "**bold** _it_ ~~gone~~ 2*3*4 a*b"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2 &amp;lt;", "1 < 2 && 3 > 2 &lt;"),
        ("`*a* ~b~` ```*c* <https://x.org>```", "`*a* ~b~` ```*c* https://x.org```"),
    ],
)
def test_to_markdown(slack: str, markdown: str) -> None:
    assert to_markdown(slack, NAMES, "U0BOT") == markdown


def test_mentions() -> None:
    assert mentions("hey <@U0BOT>!", "U0BOT")
    assert mentions("hey <@U0BOT|salty>", "U0BOT")
    assert not mentions("hey `<@U0BOT>` <@U0ANA>", "U0BOT")
