"""PDFs as they are found on sites: read, and set aside with the reason where they say nothing."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from fpdf import FPDF
from hypothesis import given
from hypothesis import strategies as st

from onbrand.config import Website
from scraper.raw import Failed, Page, read_raw
from scraper.website import pdf
from scraper.website.crawl import crawl
from tests.scraper.website.site import Site, answer, link, page

STORY = (
    "We have baked bread in the harbour since 1987, and every loaf still rests for a day before "
    "it meets the fire. The flour comes from a mill upstream, where the stones turn slowly."
)


def written(pages: Sequence[Sequence[str]], *, title: str = "", password: str = "") -> bytes:
    """A PDF with a paragraph a string, wrapped by the margins."""
    document = FPDF(format="A5")
    document.set_title(title)
    if password:
        document.set_encryption(owner_password="owner", user_password=password)
    for paragraphs in pages:
        document.add_page()
        document.set_font("Helvetica", size=12)
        for paragraph in paragraphs:
            document.multi_cell(0, 8, paragraph, new_x="LMARGIN", new_y="NEXT")
            document.ln(4)
    return bytes(document.output())


def read(body: bytes) -> pdf.PdfText:
    return asyncio.run(pdf.read_pdf(body))


def test_lines_are_joined_to_paragraphs() -> None:
    found = read(written([[STORY, "- Rye\n- Wheat", "Open daily."]], title="Our bread"))
    assert found.title == "Our bread"
    assert found.paragraphs == [STORY, "- Rye", "- Wheat", "Open daily."]
    assert found.pages == 1


def test_ligatures_are_letters() -> None:
    assert pdf._clean("A \ufb01ne co\ufb00ee") == "A fine coffee"


def test_running_heads_and_page_numbers_go() -> None:
    topics = ("rye", "wheat", "spelt", "oats")
    pages = [
        ["Harbour Bakery 2024", f"A page about {topic}.", f"Page {number} of 4"]
        for number, topic in enumerate(topics, 1)
    ]
    assert read(written(pages)).paragraphs == [f"A page about {topic}." for topic in topics]


def test_only_the_first_pages_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MOST_PAGES", 2)
    found = read(written([[f"Page about {word} bread."] for word in ("rye", "oat", "corn")]))
    assert found.paragraphs == ["Page about rye bread.", "Page about oat bread."]
    assert found.pages == 3


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (written([[STORY]], password="secret"), "it is an encrypted PDF"),
        (b"%PDF-1.7\n" + b"nonsense " * 100, "it is a broken PDF"),
        (written([[]]), "it is a PDF without text, scanned perhaps"),
    ],
)
def test_pdf_that_says_nothing(body: bytes, reason: str) -> None:
    with pytest.raises(pdf.PdfError, match=reason):
        read(body)


def test_owner_password_alone_keeps_no_reader_out() -> None:
    document = FPDF()
    document.set_encryption(owner_password="owner")
    document.add_page()
    document.set_font("Helvetica", size=12)
    document.multi_cell(0, 8, STORY)
    assert read(bytes(document.output())).paragraphs == [STORY]


def test_reading_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "SECONDS", 0.001)
    with pytest.raises(pdf.PdfError, match="cannot be read within"):
        read(written([[STORY]]))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_cut_file_is_refused(share: float) -> None:
    """Its table of contents is at its end, and so is the one page's text in part."""
    whole = written([[STORY]])
    with pytest.raises(pdf.PdfError, match=r"broken PDF|without text"):
        read(whole[: int(len(whole) * share)])


@given(st.lists(st.text(max_size=80), max_size=30))
def test_no_line_is_lost(lines: list[str]) -> None:
    clean = [pdf._clean(line) for line in lines]
    assert " ".join(" ".join(pdf._joined(clean)).split()) == " ".join(" ".join(clean).split())


@pytest.mark.slow
def test_pdfs_of_a_site(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/": page(
            "Home", link("/menu.pdf", "/download/flyer.PDF", "/liar", "/secret.pdf", "/x.zip")
        ),
        "/menu.pdf": answer(200, written([[STORY]], title="Menu <2024>"), "application/pdf"),
        "/download/flyer.PDF": answer(200, written([[STORY]]), "application/octet-stream"),
        "/liar": answer(200, written([[STORY]]), "text/html"),
        "/secret.pdf": answer(200, written([[STORY]], password="x"), "application/pdf"),
        "/x.zip": answer(200, b"PK", "application/octet-stream"),
    }
    settings = Website(start_urls=[site.url], render="never")
    asyncio.run(crawl(settings, tmp_path))
    found = {p.url.removeprefix(site.url): p for p in read_raw(tmp_path / "pages.jsonl.gz", Page)}
    assert set(found) == {"/", "/menu.pdf", "/download/flyer.PDF", "/liar"}
    assert "<title>Menu &lt;2024&gt;</title>" in found["/menu.pdf"].html
    assert f"<p>{STORY}</p>" in found["/menu.pdf"].html
    assert "<title>flyer</title>" in found["/download/flyer.PDF"].html.replace("Flyer", "flyer")
    assert all(found[path].content_type == "application/pdf" for path in found if path != "/")
    failed = {
        f.locator.removeprefix(site.url): f.reason
        for f in read_raw(tmp_path / "website-failed.jsonl", Failed)
    }
    assert failed == {
        "/secret.pdf": "it is an encrypted PDF",
        "/x.zip": "application/octet-stream is neither HTML nor PDF",
    }
