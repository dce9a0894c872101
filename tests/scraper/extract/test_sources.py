import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from onbrand.cli.app import app
from onbrand.errors import OnbrandError, UsageError
from scraper.extract.sources import extract_folder, extract_one

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
    (tmp_path / "empty.html").write_text("")
    written, failed = extract_folder(tmp_path, tmp_path / "out")
    assert written == 3
    assert list(failed) == ["broken.html.gz"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "empty.md", "one.md", "two.md",
    ]  # fmt: skip
    assert (tmp_path / "out/one.md").read_text() == (tmp_path / "out/two.md").read_text()


def test_what_is_no_page_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file and no http or https URL"):
        extract_one(str(tmp_path / "missing.html"))
    with pytest.raises(UsageError, match=r"holds no \.html"):
        extract_folder(tmp_path, tmp_path / "out")
    with pytest.raises(OnbrandError, match=r"http://127\.0\.0\.1:9/ cannot be fetched"):
        extract_one("http://127.0.0.1:9/")
