"""`models/briefs.jsonl`: what a teacher answered, a row a brief, so that none is asked for twice.

Rows are appended as the answers come, so a killed run loses none; of several rows with the same
key the last one counts.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ValidationError


class CachedBrief(BaseModel):
    """A teacher's answer for one piece of a record."""

    key: str
    """Of model and prompt, see `brief_key`."""
    record_id: str
    model: str
    brief: str
    """As it came, white space made even."""
    reason: str = ""
    """Why it is set aside and the record's own brief stands in for it; empty for a good one."""
    is_final: bool = True
    """False: the server gave no answer, so the next run asks again."""
    is_refused: bool = False
    """The server answers, but not for this text (a content filter, say)."""


def brief_key(model: str, prompt: str) -> str:
    """SHA-256 over the teacher's model and the whole prompt, the text included.

    A change of any of them, of the prompt's wording too, asks anew.
    """
    return hashlib.sha256(json.dumps([model, prompt]).encode()).hexdigest()


def read_briefs(path: Path) -> dict[str, CachedBrief]:
    """The rows by key; a line that a kill cut off is passed over, for it is asked for again."""
    if not path.is_file():
        return {}
    found = {}
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                row = CachedBrief.model_validate_json(line)
            except ValidationError:
                continue
            found[row.key] = row
    return found


def append_briefs(path: Path, rows: Iterable[CachedBrief]) -> None:
    """Add rows; after a line that was cut off they begin on one of their own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as stream:
        if stream.tell():
            stream.seek(-1, 2)
            if stream.read(1) != b"\n":
                stream.write(b"\n")
        stream.write("".join(row.model_dump_json() + "\n" for row in rows).encode())
