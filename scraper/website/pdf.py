"""PDFs as pages: their text in paragraphs, as HTML that every later step can read."""

import asyncio
import html
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ftfy.fixes import fix_latin_ligatures

PDF_TYPE = "application/pdf"
MOST_PAGES = 200
"""Pages read of one PDF."""
SECONDS = 30.0
"""Time to read one PDF."""
FEW_CHARACTERS = 20
"""A PDF with less text than this is taken to be scanned."""

_UNTYPED = frozenset({"application/octet-stream", "binary/octet-stream", "application/x-pdf"})
_MAGIC = b"%PDF-"
_BULLET = re.compile(r"[•·▪‣◦●■–—*-]\s|\d{1,2}[.)]\s")
_END = re.compile(r"[.!?:;…。؟۔][\"'”’)]*$")
_FULL = 0.8
"""A line of this share of the page's longest one goes on in the next line."""


class PdfError(Exception):
    """The reason why a PDF gave no text, in words that follow its name and a colon."""


@dataclass(frozen=True)
class PdfText:
    """What a PDF says."""

    title: str
    paragraphs: list[str]
    pages: int
    """Of the whole file, of which `MOST_PAGES` were read."""


def may_be_pdf(media_type: str, url: str) -> bool:
    """Whether an answer of this type may be a PDF: by its type, or by its name where it has none.

    `url` is where it came from.
    """
    if media_type == PDF_TYPE:
        return True
    return media_type in _UNTYPED and urlsplit(url).path.lower().endswith(".pdf")


def is_pdf(body: bytes) -> bool:
    """Whether the bytes are a PDF, whatever the server calls them."""
    return _MAGIC in body[:1024]


async def read_pdf(body: bytes) -> PdfText:
    """Text of a PDF, read in a process of its own.

    Raises:
        PdfError: encrypted, broken, without text, or not read within 30 s.
    """
    reader = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scraper.website.pdf_text", str(MOST_PAGES),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    try:
        written, _ = await asyncio.wait_for(reader.communicate(body), SECONDS)
    except TimeoutError as error:
        raise PdfError(f"it is a PDF that cannot be read within {SECONDS:g} s") from error
    finally:
        if reader.returncode is None:
            reader.kill()
            await reader.wait()
    if reader.returncode:
        raise PdfError("it is a broken PDF")
    found = json.loads(written)
    if "error" in found:
        raise PdfError(found["error"])
    paragraphs = list(_paragraphs(found["pages"]))
    if sum(map(len, paragraphs)) < FEW_CHARACTERS:
        raise PdfError("it is a PDF without text, scanned perhaps")
    return PdfText(" ".join(found["title"].split()), paragraphs, found["count"])


def as_html(pdf: PdfText, url: str) -> str:
    """The text as a plain page: a title, and a <p> for each paragraph."""
    title = html.escape(pdf.title or _name(url))
    body = "\n".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in pdf.paragraphs)
    return (
        f"<!doctype html><html><head><meta charset='utf-8'><title>{title}</title></head>"
        f"<body><main><article>\n{body}\n</article></main></body></html>"
    )


def _name(url: str) -> str:
    """`Summer menu` for `…/summer-menu.pdf`."""
    name = unquote(urlsplit(url).path).rpartition("/")[2]
    words = re.sub(r"[-_+\s]+", " ", name.removesuffix(".pdf").removesuffix(".PDF")).strip()
    return words[:1].upper() + words[1:]


def _paragraphs(pages: list[str]) -> Iterator[str]:
    """Text in reading order, wrapped lines joined, running heads and page numbers left out."""
    lines = [[_clean(line) for line in _unhyphenated(page).split("\n")] for page in pages]
    heads = _running_heads(lines)
    for page in lines:
        kept = [line for line in page if _shape(line) not in heads]
        yield from _joined(kept)


def _unhyphenated(text: str) -> str:
    """PDFium marks the hyphen that breaks a word at the end of a line with U+FFFE."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub("[\ufffe\x02]\n?", "", text)


def _clean(line: str) -> str:
    """A line of letters: fonts have ligatures of their own, which no reader sees as one sign."""
    seen = "".join(c for c in line if c.isprintable() or c.isspace())
    return fix_latin_ligatures(" ".join(seen.split()))


def _running_heads(pages: list[list[str]]) -> set[str]:
    """Shapes of first and last lines that at least half of the pages share (and three do)."""
    ends: Counter[str] = Counter()
    for page in pages:
        filled = [_shape(line) for line in page if line]
        ends.update(set(filled[:2] + filled[-2:]))
    most = max(3, len(pages) / 2)
    return {shape for shape, count in ends.items() if count >= most}


def _shape(line: str) -> str:
    """The line with every number alike, so that page numbers do not tell lines apart."""
    return re.sub(r"\d+", "#", line)


def _joined(lines: Iterable[str]) -> Iterator[str]:
    lines = list(lines)
    longest = max(map(len, lines), default=0)
    paragraph: list[str] = []
    for line in lines:
        goes_on = paragraph and line and not _BULLET.match(line) and (
            line[0].islower()
            or (len(paragraph[-1]) >= _FULL * longest and not _ends_here(paragraph[-1], longest))
        )  # fmt: skip
        if paragraph and not goes_on:
            yield " ".join(paragraph)
            paragraph = []
        if line:
            paragraph.append(line)
    if paragraph:
        yield " ".join(paragraph)


def _ends_here(line: str, longest: int) -> bool:
    """Whether a full line closes its paragraph: a sentence ends in it, short of the margin."""
    return bool(_END.search(line)) and len(line) < 0.9 * longest
