"""Short briefs, each of which a text of the brand answers.

A brief is worded from what the record itself says: its title, the products it names, its hashtags,
its source and its length. None gives away the text: never `COPIED` of its words in a row.
"""

from collections.abc import Iterator

import regex

from finetune.names import Names
from finetune.overlap import runs, shared_run
from finetune.pieces import Piece
from onbrand.hashtag import HASHTAG
from onbrand.persona import brief_for, kind_of
from onbrand.record import Record

COPIED = 6
"""So many words in a row are a quotation."""
BEGINS = "Write"
"""A teacher's brief does, as it is told to; an apology or an explanation does not."""
LONGEST_BRIEF = 40
"""Words of a teacher's brief."""
_NAMES = 3
_HASHTAGS = 5
_HASHTAG = regex.compile(HASHTAG)
_SPACED_WORD = 15
"""Characters a word has at most on average, in scripts that put spaces between words."""


def own_briefs(record: Record, piece: Piece, names: Names) -> Iterator[str]:
    """Briefs for a piece of a record, worded from the record: the fullest first, the barest last.

    The later ones say less, for texts that the fuller ones would give away.
    """
    kind, kind_with_title = kind_of(record.source), ""
    if record.source in ("website", "file") and not _is_all(record, piece):
        kind, kind_with_title = _section(record, piece)
    named = [name for name in names.found_in(piece.body) if name != record.title][:_NAMES]
    titled = [record.title] if record.title and not kind_with_title else []
    about = titled if record.title else named
    naming = named if record.title else []
    hashtags = _hashtags(record, piece)
    length = natural_length(piece.text)
    fullest = kind_with_title or kind
    given = [
        brief_for(fullest, about=about, naming=naming, hashtags=hashtags, length=length),
        brief_for(fullest, about=about, length=length),
        brief_for(kind, naming=naming, hashtags=hashtags, length=length),
        brief_for(kind, hashtags=hashtags[:1], length=length),
        brief_for(kind_of(record.source), length=length),
        brief_for(kind_of(record.source)),
    ]
    quoted = runs(_below_title(record, piece), COPIED)
    for brief in dict.fromkeys(given):
        if not shared_run(brief, quoted, COPIED):
            yield brief


def objection(brief: str, record: Record, piece: Piece) -> str:
    """Why a teacher's brief cannot be used; empty where it can."""
    if not brief:
        return "it is empty"
    if not brief.startswith(BEGINS):
        return f'it does not begin with "{BEGINS}"'
    if len(brief.split()) > LONGEST_BRIEF or len(brief) > 10 * LONGEST_BRIEF:
        return f"it has {len(brief.split())} words, more than {LONGEST_BRIEF}, or very long ones"
    if copied := shared_run(brief, runs(_below_title(record, piece), COPIED), COPIED):
        return f'it copies the text: "{copied}"'
    return ""


def natural_length(text: str) -> str:
    """The length of a text as a person would ask for it, hashtags left out."""
    words = [word for word in _HASHTAG.sub(" ", text).split() if any(map(str.isalnum, word))]
    count, unit = len(words), "words"
    if (characters := sum(map(len, words))) > _SPACED_WORD * count:
        count, unit = characters, "characters"
    if not count:
        return ""
    if count <= 3 and unit == "words":
        return "a few words"
    step = 5 if count <= 50 else 10 if count <= 200 else 50
    return f"about {max(step, step * round(count / step))} {unit}"


def _is_all(record: Record, piece: Piece) -> bool:
    return piece.text.strip() == record.text.strip()


def _below_title(record: Record, piece: Piece) -> str:
    """The piece without its heading, and without the record's title as its first line."""
    first, _, rest = piece.body.partition("\n")
    return rest if record.title and first.strip("# ") == record.title else piece.body


def _section(record: Record, piece: Piece) -> tuple[str, str]:
    """What a part of a page is called: without the page's title, and with it if there is one."""
    part = "the opening" if piece.opens else "a section"
    if piece.heading and piece.heading.casefold() != record.title.casefold():
        part = f'the section "{piece.heading}"'
    with_title = f'{part} of our page "{record.title}"' if record.title else ""
    return f"{part} of a page for our website", with_title


def _hashtags(record: Record, piece: Piece) -> list[str]:
    """The first few that stand in the piece; more of them would be most of a short post."""
    written = {tag[1:].casefold() for tag in _HASHTAG.findall(piece.text)}
    standing = [tag for tag in record.tags if tag.casefold() in written]
    return list(dict.fromkeys(standing))[:_HASHTAGS]
