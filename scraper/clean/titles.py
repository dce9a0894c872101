"""Titles for text files, which have none of their own."""

import re
from pathlib import PurePosixPath

_MAX_WORDS = 10
_STEM = re.compile(r"[^\W\d_][\w'’-]*(?: [\w'’-]+)*")


def file_title(path: str, text: str) -> str:
    """The first line where it reads like a heading, else the file's name where that is words.

    A heading is short, ends in no full stop or comma, and more text follows it.
    """
    first, _, rest = text.partition("\n")
    heading = first.lstrip("# ").strip()
    is_heading = re.search(r"[^\W\d_]", heading) and not re.search(r"[.,;:…]$|^[-*•]", heading)
    is_masked = any(mask in heading for mask in ("[email]", "[phone]", "[address]"))
    if is_heading and not is_masked and rest.strip() and len(heading.split()) <= _MAX_WORDS:
        return heading
    stem = " ".join(re.split(r"[\s_-]+", PurePosixPath(path).stem)).strip()
    return stem if _STEM.fullmatch(stem) else ""
