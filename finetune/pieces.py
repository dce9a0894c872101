"""A text in pieces that fit an example: sections at headings, chunks at line ends."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from onbrand.chat_format import Tokenizer, encode_text

_MARKDOWN_HEADING = re.compile(r"^#{1,6}[ \t]+(?=\S)")
_HEADING_WORDS = 8
_QUESTION = re.compile(r"^\W*(\S.{8,120}\?)\W*$")


class Decoder(Tokenizer, Protocol):
    """A tokenizer that also turns ids back into text."""

    def decode(self, token_ids: list[int]) -> str:
        """The text of the ids."""


@dataclass(frozen=True)
class Piece:
    """Part of a text that an example has room for."""

    ids: list[int]
    text: str
    heading: str = ""
    """Of the section it opens, without Markdown's #."""
    opens: bool = True
    """It is the beginning of the text."""
    ends: bool = True
    """It ends where a line of the text does, not in the middle of one."""

    @property
    def body(self) -> str:
        """The text below the heading."""
        return self.text.partition("\n")[2] if self.heading else self.text


def whole_or_sections(text: str, tokenizer: Decoder, room: int) -> list[Piece]:
    """The whole text as one piece where it fits, else its sections, cut further where they must be.

    A section begins at a Markdown heading; one heading right below another begins none.
    """
    whole = encode_text(tokenizer, text)
    if len(whole) <= room:
        return [Piece(whole, text, heading_of(text))]
    found = list[Piece]()
    for section in _sections(text):
        for piece in cut(section, tokenizer, room):
            heading = heading_of(piece.text) if piece.opens else ""
            found.append(Piece(piece.ids, piece.text, heading, not found, piece.ends))
    return found


def _sections(text: str) -> Iterator[str]:
    section, has_body = "", False
    for line in text.splitlines(keepends=True):
        is_heading = bool(_MARKDOWN_HEADING.match(line))
        if is_heading and has_body:
            yield section.strip()
            section, has_body = "", False
        section += line
        has_body = has_body or bool(line.strip() and not is_heading)
    if section.strip():
        yield section.strip()


def heading_of(text: str) -> str:
    """The first line, if it is a heading: Markdown's, or a short line above a longer one."""
    first, _, rest = text.partition("\n")
    if match := _MARKDOWN_HEADING.match(first):
        return first[match.end() :].strip()
    first, below = first.strip(), next((line for line in rest.splitlines() if line.strip()), "")
    is_short = len(first.split()) <= _HEADING_WORDS and len(first) < len(below)
    return first if is_short and first[-1:].isalnum() and first[:1].isalnum() else ""


def question_answers(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of a question on its own line and the text below it, up to the next question.

    A heading that asks nothing ends an answer too.
    """
    question, answer = "", list[str]()
    for line in [*text.splitlines(), "# The end"]:
        match = _QUESTION.match(line)
        if match or _MARKDOWN_HEADING.match(line):
            if question and any(answer):
                yield question, "\n".join(answer).strip()
            question, answer = match[1] if match else "", []
        else:
            answer.append(line.strip())


def cut(text: str, tokenizer: Decoder, room: int) -> Iterator[Piece]:
    """Cut a text at line ends into pieces of at most `room` tokens each.

    A single line longer than that is cut between two tokens.
    """
    opens = True
    for lines in _fitting_lines(text, tokenizer, room):
        ids = encode_text(tokenizer, lines)
        if 0 < len(ids) <= room:
            yield Piece(ids, lines, opens=opens)
            opens = False
            continue
        for start in range(0, len(ids), room):
            part = ids[start : start + room]
            is_last = start + room >= len(ids)
            yield Piece(part, tokenizer.decode(part), opens=opens, ends=is_last)
            opens = False


def _fitting_lines(text: str, tokenizer: Tokenizer, room: int) -> Iterator[str]:
    """As many lines together as fit; a line that is too long comes alone."""
    lines = ""
    for line in text.splitlines(keepends=True):
        if lines and len(encode_text(tokenizer, (lines + line).rstrip())) > room:
            yield lines.rstrip()
            lines = ""
        lines += line
    yield lines.rstrip()
