"""Slack's mark-up to Markdown.

https://docs.slack.dev/messaging/formatting-message-text/
"""

import re
from collections.abc import Iterator, Mapping

_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_ANGLE = re.compile(r"<([^<>\n]+)>")
_BOLD = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_STRUCK = re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])")
_USER = re.compile(r"<@([UW][A-Z0-9]+)(?:\|([^<>]*))?>")


def to_markdown(text: str, names: Mapping[str, str], bot_user: str) -> str:
    """What a person wrote, as Markdown; a mention of us at the beginning is left out.

    Args:
        text: As Slack sends it.
        names: By user id; others are called `someone`.
        bot_user: Our user id.
    """
    text = (
        re.sub(rf"^\s*<@{re.escape(bot_user)}(?:\|[^<>]*)?>[\s,:]*", "", text) if bot_user else text
    )
    pieces, end = [], 0
    for code in _CODE.finditer(text):
        pieces += [_prose(text[end : code.start()], names), _angles(code.group(), names)]
        end = code.end()
    pieces.append(_prose(text[end:], names))
    whole = "".join(pieces)
    return whole.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def mentions(text: str, user: str) -> bool:
    """Whether `text` names the user; as code it names nobody."""
    return any(id == user for id in mentioned_users(text))


def mentioned_users(text: str) -> Iterator[str]:
    """The ids of all people that `text` names."""
    return (match[1] for match in _USER.finditer(_CODE.sub(" ", text)))


def _prose(text: str, names: Mapping[str, str]) -> str:
    text = _BOLD.sub(r"**\1**", _STRUCK.sub(r"~~\1~~", text))
    return _angles(text, names, links=True)


def _angles(text: str, names: Mapping[str, str], links: bool = False) -> str:
    def replace(match: re.Match[str]) -> str:
        target, _, label = match[1].partition("|")
        match target[0]:
            case "@":
                return f"@{label or names.get(target[1:], 'someone')}"
            case "#":
                return f"#{label or 'channel'}"
            case "!":
                return label or f"@{target[1:].partition('^')[0]}"
        shown = target.removeprefix("mailto:")
        return f"[{label}]({target})" if links and label not in ("", shown) else shown

    return _ANGLE.sub(replace, text)
