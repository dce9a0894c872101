"""What each step changed in a record: `clean/changes.jsonl`, from which its story is told."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from onbrand.json_lines import read_json_lines, write_json_lines
from onbrand.record import Record

_DERIVED = {"group", "content_hash"}
"""Names of what a record holds and is near to; they change no word of it."""


class Change(BaseModel):
    """One line of `clean/changes.jsonl`: the fields of a record that a step changed."""

    model_config = ConfigDict(extra="forbid")

    id: str
    step: str
    before: dict[str, Any]
    after: dict[str, Any]


def change_between(before: Record, after: Record, step: str) -> Change | None:
    """What differs between the two, or None where nothing does (group and hash left out)."""
    if before is after:
        return None
    fields = [
        name
        for name in Record.model_fields
        if name not in _DERIVED and getattr(before, name) != getattr(after, name)
    ]
    if not fields:
        return None
    return Change(
        id=after.id,
        step=step,
        before={name: getattr(before, name) for name in fields},
        after={name: getattr(after, name) for name in fields},
    )


def write_changes(path: Path, changes: Iterable[Change]) -> None:
    """Write `changes.jsonl`, atomically; the changes of a record are in the order of the steps."""
    write_json_lines(path, changes)


def read_changes(path: Path, identifier: str) -> Iterator[Change]:
    """The changes of one record, in the order of the steps.

    Raises:
        OnbrandError: the file is missing or a line cannot be read.
    """
    remedy = "run `onbrand build --force` to make it again"
    for change in read_json_lines(path, Change, "a change", remedy, containing=identifier):
        if change.id == identifier:
            yield change
