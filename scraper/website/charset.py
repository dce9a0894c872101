"""A page's bytes as text, also where the page is wrong about its encoding."""

import codecs
import contextlib
import re

from charset_normalizer import from_bytes

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
# What pages call Latin-1 is Windows-1252 (https://encoding.spec.whatwg.org/#names-and-labels).
_MEANT = {"iso8859-1": "cp1252", "ascii": "cp1252"}


def decode(body: bytes, content_type: str) -> str:
    """Text of an HTML body; never fails.

    Order: byte order mark; UTF-8 if every byte fits it, whatever is declared (text in another
    encoding almost never does); the charset of the header, then of the first <meta>; detection.
    """
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    declared = [
        _codec(match) for match in _DECLARED.findall(content_type.encode() + b"\n" + body[:2048])
    ]
    seven_bit = [name for name in declared if name.startswith(("iso2022", "hz"))]
    for encoding in [*seven_bit, "utf-8", *declared]:
        with contextlib.suppress(UnicodeError, LookupError):
            text = body.decode(encoding)
            text.encode()  # some codecs of Python, never meant for pages, give half characters
            return text
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if sum(character > "\x7f" for character in text) > 4 * broken:
        return text  # UTF-8 with a few bytes that were cut
    return body.decode(_detect(body[:100_000]), "replace")


def _detect(body: bytes) -> str:
    """The likeliest encoding; Windows-1252, by far the most common, where it is among equals."""
    matches = from_bytes(body)
    best = matches.best()
    equals = [m for m in matches if best and (m.chaos, m.coherence) == (best.chaos, best.coherence)]
    if not best or any("cp1252" in match.could_be_from_charset for match in equals):
        return "cp1252"
    return best.encoding


def _codec(label: bytes) -> str:
    """Python's name for a declared encoding; UTF-8 where it is unknown."""
    try:
        name = codecs.lookup(label.decode("ascii", "replace")).name
    except LookupError:
        return "utf-8"
    return _MEANT.get(name, name)
