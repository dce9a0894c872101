"""Slack's own mark-up, where Markdown is not understood: a message's plain `text`.

https://docs.slack.dev/messaging/formatting-message-text
"""

import html
import re
from collections.abc import Iterable

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bots.splitting.quiet import quiet

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
_MARKS = {"strong": "*", "em": "_", "s": "~"}
# Whatever else stands between angle brackets may be a mention: `<!channel|…>`, `<@U1|…>`.
_ADDRESS = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_TORN = re.compile(r"\s*(?:<[^<>]*|\S*)$")
_MORE = " …"


def mrkdwn(text: str) -> str:
    """A text as mrkdwn: escaped, nobody pinged, a line for each block."""
    lines, before, heading = [], "", False
    for token in _MARKDOWN.parse(text):
        if token.type == "list_item_open":
            before = f"{token.info}. " if token.info else "• "
        elif token.type in ("heading_open", "heading_close"):
            heading = token.nesting == 1
        elif token.type in ("fence", "code_block"):
            lines.append(f"{before}```\n{_escaped(token.content)}```")
            before = ""
        elif token.type == "inline":
            line = _line(token.children or [])
            lines.append(f"{before}*{line}*" if heading else before + line)
            before = ""
    return "\n".join(lines)


def shortened(words: str, most: int) -> str:
    """The beginning of mrkdwn that is too long, cut between words and outside of links.

    Args:
        words: As `mrkdwn` gives it.
        most: Bytes, which are never less than characters.
    """
    if len(words.encode()) <= most:
        return words
    head = words.encode()[: most - len(_MORE.encode())].decode(errors="ignore")
    return (_TORN.sub("", head) or head) + _MORE


def _line(tokens: Iterable[Token]) -> str:
    """A line; of a link that leads to no address only the words are left."""
    pieces, linked = [], False
    for token in tokens:
        if token.type == "link_open":
            href = str(token.attrGet("href") or "")
            linked = bool(_ADDRESS.match(href))
            pieces.append(f"<{html.escape(href, False).replace('|', '%7C')}|" if linked else "")
        elif token.type == "link_close":
            pieces.append(">" if linked else "")
        else:
            pieces.append(_inline(token))
    return "".join(pieces)


def _inline(token: Token) -> str:
    """A piece of a line."""
    if token.type == "code_inline":
        return f"`{_escaped(token.content)}`"
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    if token.type == "image":
        return _escaped(token.content)
    name, _, end = token.type.rpartition("_")
    if end in ("open", "close"):
        return _MARKS.get(name, "")
    return _escaped(token.content)


def _escaped(text: str) -> str:
    return quiet(html.escape(text, quote=False))
