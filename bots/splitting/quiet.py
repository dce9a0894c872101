"""Names that ping people are kept, and kept from pinging."""

import re

_JOINER = "\u2060"  # no width, and no line may break at it

# Slack: <!here>, <!channel>, <!everyone>, <!subteam^S1>, <@U1>; Discord: <@1>, <@!1>, <@&1>.
# Either client also makes mentions of the bare words in some ways of posting.
# A link to `!channel` would be one, too, where links are written as `<!channel|words>`.
_PING = re.compile(
    r"<(?=@[!&]?\w|!(?i:here|channel|everyone|group|subteam))"
    r"|\]\((?=[!@])"
    r"|(?<!/)@(?=everyone)"
    r"|(?<![\w/])@(?=(?:here|channel|group)\b)"
)


def quiet(text: str) -> str:
    """The same text to the eye, in which nothing is a mention any more.

    An invisible character goes into `<@…>`, `<!…>`, `@everyone`, `@here`, `@channel` and `@group`,
    in code as well: Slack reads mentions there too.
    """
    return _PING.sub(lambda ping: ping.group() + _JOINER, text)
