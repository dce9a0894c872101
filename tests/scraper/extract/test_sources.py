import gzip
from pathlib import Path

import pytest
from fpdf import FPDF
from typer.testing import CliRunner

from onbrand.cli.app import app
from onbrand.errors import OnbrandError, UsageError
from scraper.extract.sources import extract_folder, extract_one
from tests.scraper.website.site import Site, answer, redirect

PAGE = "<title>T</title><main><h2>Care</h2><p>A bar of 120 g lasts six weeks on a rack.</p></main>"


def test_a_file_is_printed_as_markdown(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    result = CliRunner().invoke(app, ["extract", str(tmp_path / "page.html")])
    assert result.exit_code == 0
    assert "A bar of 120 g lasts six weeks on a rack." in result.stdout


def test_a_folder_gives_a_text_for_each_page_and_names_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text(PAGE)
    (tmp_path / "two.html.gz").write_bytes(gzip.compress(PAGE.encode()))
    (tmp_path / "broken.html.gz").write_bytes(b"no gzip")
    damaged = bytearray(gzip.compress(PAGE.encode() * 9))
    damaged[20:30] = b"\xff" * 10
    (tmp_path / "damaged.html.gz").write_bytes(damaged)
    (tmp_path / "one.htm").write_text(PAGE)
    (tmp_path / "empty.html").write_text("")
    (tmp_path / "UPPER.HTML").write_text(PAGE)
    written, failed = extract_folder(tmp_path, tmp_path / "out")
    assert written == 4
    assert sorted(failed) == ["broken.html.gz", "damaged.html.gz", "one.html"]
    assert "another file gives one.md already" in failed["one.html"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "UPPER.md", "empty.md", "one.md", "two.md",
    ]  # fmt: skip
    assert (tmp_path / "out/one.md").read_text() == (tmp_path / "out/two.md").read_text()


def test_what_is_no_page_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file and no http or https URL"):
        extract_one(str(tmp_path / "missing.html"))
    with pytest.raises(UsageError, match=r"holds no \.html"):
        extract_folder(tmp_path, tmp_path / "out")
    with pytest.raises(OnbrandError, match=r"http://127\.0\.0\.1:9/ cannot be fetched"):
        extract_one("http://127.0.0.1:9/")


def test_a_folder_without_any_readable_page_fails(tmp_path: Path) -> None:
    (tmp_path / "broken.html.gz").write_bytes(b"no gzip")
    with pytest.raises(OnbrandError, match=r"No page in .* can be read: .*broken\.html\.gz"):
        extract_folder(tmp_path, tmp_path / "out")


def test_an_address_is_fetched_as_the_crawl_does(site: Site, tmp_path: Path) -> None:
    document = FPDF()
    document.add_page()
    document.set_font("helvetica", size=12)
    document.multi_cell(0, 8, "A bar of 120 g lasts six weeks when it is kept dry on a rack.")
    pdf = bytes(document.output())
    (tmp_path / "saved.html").write_bytes(pdf)
    site.pages = {
        "/old": redirect("/page"),
        "/page": PAGE.encode(),
        "/bar.pdf": answer(200, pdf, "application/pdf"),
        "/picture": answer(200, b"\x89PNG", "image/png"),
        "/huge": b"<p>" + b"x" * 11_000_000,
        "/round": redirect("/round"),
    }
    assert "lasts six weeks" in extract_one(f"{site.url}/old")
    for place in (f"{site.url}/bar.pdf", str(tmp_path / "saved.html")):
        assert "lasts six weeks" in extract_one(place)
    for path, reason in {
        "/picture": "image/png is neither HTML nor PDF",
        "/huge": "larger than 10 MB",
        "/round": "more than 10 redirects",
        "/missing": "HTTP 404",
    }.items():
        with pytest.raises(OnbrandError, match=rf"{path} cannot be fetched: {reason}"):
            extract_one(site.url + path)
