"""Steps that drop records, and the account of what they dropped."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from onbrand.atomic import atomic_file
from onbrand.record import Record

Verdict = Literal[True] | tuple[Literal[False], str]
"""True: the record is kept. (False, reason): it is dropped."""


class Rejected(BaseModel):
    """One line of `clean/rejected.jsonl`."""

    model_config = ConfigDict(extra="forbid")

    step: str
    """Name of the step that dropped it, such as `too-short`."""
    reason: str
    record: Record
    """As it was when it was dropped."""


@dataclass
class Sieve:
    """Runs filters over records and remembers what fell through."""

    rejected: list[Rejected] = field(default_factory=list)

    def drop(self, record: Record, step: str, reason: str) -> None:
        """Note a dropped record."""
        self.rejected.append(Rejected(step=step, reason=reason, record=record))

    def keep(
        self, records: Iterable[Record], step: str, judge: Callable[[Record], Verdict]
    ) -> Iterator[Record]:
        """Yield the records that `judge` keeps."""
        for record in records:
            verdict = judge(record)
            if verdict is True:
                yield record
            else:
                self.drop(record, step, verdict[1])


def write_rejected(path: Path, rejected: Iterable[Rejected]) -> None:
    """Write `rejected.jsonl`, atomically."""
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8") as lines:
        for item in rejected:
            lines.write(item.model_dump_json() + "\n")
