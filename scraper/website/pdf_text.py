"""The text of one PDF: bytes on standard input, JSON on standard output.

Run as a program of its own, `python -m scraper.website.pdf_text`, so that a file that crashes or
never ends takes nothing along. PDFium (through pypdfium2) is what Chromium shows PDFs with: it
repairs broken files, opens those encrypted with an empty password, and reads a page in a few
milliseconds, where parsers in pure Python take seconds.
"""

import json
import resource
import sys
from typing import Any

MOST_MEMORY = 2_000_000_000
"""Bytes of address space."""

_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD of fpdfview.h


def read(data: bytes, most_pages: int) -> dict[str, Any]:
    """`{"title", "pages": [text], "count"}`; `{"error": reason}` for a file that gives nothing."""
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _WRONG_PASSWORD or "password" in str(error).lower():
            return {"error": "it is an encrypted PDF"}
        return {"error": "it is a broken PDF"}
    pages: list[str] = []
    for number in range(min(len(document), most_pages)):
        try:
            page = document[number]
            pages.append(page.get_textpage().get_text_range())
            page.close()
        except pdfium.PdfiumError:
            pages.append("")  # the others may be sound
    return {
        "title": document.get_metadata_value("Title"),
        "pages": pages,
        "count": len(document),
    }


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    found = read(sys.stdin.buffer.read(), int(sys.argv[1]))
    sys.stdout.write(json.dumps(found))
