"""Steps that change or drop records, and the account of what they did."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from onbrand.json_lines import read_json_lines, write_json_lines
from onbrand.record import Record
from scraper.clean.changes import Change, change_between

Verdict = Literal[True] | tuple[Literal[False], str] | tuple[Literal[False], str, str]
"""True: the record is kept. (False, reason): it is dropped; a duplicate names the id of the record
it lost against after that."""


class Rejected(BaseModel):
    """One line of `clean/rejected.jsonl`."""

    model_config = ConfigDict(extra="forbid")

    step: str
    """Name of the step that dropped it, such as `too-short`."""
    reason: str
    record: Record
    """As it was when it was dropped, its contact data treated as in the records that are kept."""
    lost_against: str = ""
    """Id of the record that stays in a duplicate's place, its own for a copy of the same place; it
    may itself have been dropped later. Empty when it was dropped for another reason."""


class StepCount(BaseModel):
    """One step's balance, in records per source; sources without any are left out."""

    step: str
    came_in: dict[str, int]
    changed: dict[str, int]
    dropped: dict[str, int]


@dataclass
class Sieve:
    """Runs steps over records and remembers what they changed and what fell through."""

    rejected: list[Rejected] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    steps: list[StepCount] = field(default_factory=list)

    def drop(self, record: Record, step: str, reason: str, lost_against: str = "") -> None:
        """Note a dropped record, and the id of the one it lost against if it is a duplicate."""
        self.rejected.append(
            Rejected(step=step, reason=reason, record=record, lost_against=lost_against)
        )

    def keep(
        self, records: Iterable[Record], step: str, judge: Callable[[Record], Verdict]
    ) -> list[Record]:
        """The records that `judge` keeps; it sees them in order."""

        def judged(found: Sequence[Record]) -> Iterable[Record]:
            for record in found:
                verdict = judge(record)
                if verdict is True:
                    yield record
                else:
                    self.drop(record, step, *verdict[1:])

        return self.run(records, step, judged)

    def change(
        self, records: Iterable[Record], step: str, work: Callable[[Record], Record]
    ) -> list[Record]:
        """The records as `work` makes them, one by one."""
        return self.run(records, step, lambda found: map(work, found))

    def run(
        self,
        records: Iterable[Record],
        step: str,
        work: Callable[[Sequence[Record]], Iterable[Record]],
    ) -> list[Record]:
        """Run a step that looks at all records at once, and enter its balance.

        Args:
            records: what comes in.
            step: its name, under which `work` drops records too.
            work: gives back the records it keeps, changed or not, under the ids they came with.
        """
        before = list(records)
        first_rejected = len(self.rejected)
        after = list(work(before))
        known: dict[str, Record] = {}
        for record in before:
            known.setdefault(record.id, record)
        changes = [
            change
            for record in after
            if (change := change_between(known[record.id], record, step)) is not None
        ]
        source_of = {record.id: record.source for record in after}
        self.changes += changes
        self.steps.append(
            StepCount(
                step=step,
                came_in=_per_source(record.source for record in before),
                changed=_per_source(source_of[change.id] for change in changes),
                dropped=_per_source(r.record.source for r in self.rejected[first_rejected:]),
            )
        )
        return after


def write_rejected(path: Path, rejected: Iterable[Rejected]) -> None:
    """Write `rejected.jsonl`, atomically."""
    write_json_lines(path, rejected)


def read_rejected(path: Path) -> Iterator[Rejected]:
    """Read `rejected.jsonl`.

    Raises:
        OnbrandError: the file is missing or a line cannot be read.
    """
    remedy = "run `onbrand build --force` to make it again"
    return read_json_lines(path, Rejected, "a rejected record", remedy)


def _per_source(sources: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(sources).items()))
