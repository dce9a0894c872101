"""Train, validation and test, such that no near-duplicates are parted."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from onbrand.config import Dataset as Settings
from onbrand.errors import OnbrandError
from onbrand.plural import plural
from onbrand.record import Record

Splits = dict[str, list[Record]]
"""`train`, `validation` and `test`, in that order."""

Groups = dict[str, list[Record]]


def split(records: Sequence[Record], settings: Settings) -> Splits:
    """Split by group; a share is of the records, validation's of all those that test leaves.

    `random`: groups in the order of a hash of seed and name fill test, then validation; a group
    that would pass the share is passed over. A group's place in that order depends on the seed and
    its name alone, so new records move few old ones.

    `newest`: test is filled from the newest group back, up to the first that would pass the share.
    A group is as old as its oldest member; one with a member without a date is never in test, nor
    counted for its share: many undated pages would else send every dated post to test. So every
    dated group in train or validation is as old as test's oldest, or older. Validation is drawn
    from the rest as in `random`, dated and undated, so it is a sample of what train holds.

    A split whose share is not 0 gets at least one group: the smallest (random) or newest (newest).
    Neither the order of the records nor of the groups changes which split a record is in.

    Raises:
        OnbrandError: a split that was asked for would be empty.
    """
    groups: Groups = defaultdict(list)
    for record in records:
        groups[record.group].append(record)
    held_out = [settings.test_share, settings.validation_share]
    needed = 1 + sum(share > 0 for share in held_out)
    if len(groups) < needed:
        left, verb = plural(len(records), "record"), "is" if len(records) == 1 else "are"
        raise OnbrandError(
            f"The data set would have an empty split: {left} in "
            f"{plural(len(groups), 'near-duplicate group')} {verb} left after cleaning, and "
            f"{plural(needed, 'group')} {'is' if needed == 1 else 'are'} needed"
        )
    waiting = sorted(groups, key=lambda name: _digest(f"{settings.seed} {name}"))
    if settings.split == "newest":
        test = _newest(waiting, groups, settings.test_share, leave=needed - 1)
    else:
        test = _fitting(waiting, groups, settings.test_share, leave=needed - 1)
    waiting = _without(waiting, test)
    validation = _fitting(waiting, groups, settings.validation_share, leave=1)
    waiting = _without(waiting, validation)
    chosen = {"train": waiting, "validation": validation, "test": test}
    place = {record.id: number for number, record in enumerate(records)}
    return {
        name: sorted((r for group in names for r in groups[group]), key=lambda r: place[r.id])
        for name, names in chosen.items()
    }


def _fitting(waiting: Sequence[str], groups: Groups, share: float, *, leave: int) -> list[str]:
    """The groups, in their order, that fit into the share of the waiting records."""
    room = _room(waiting, groups, share)
    taken: list[str] = []
    for name in waiting:
        if len(groups[name]) <= room and len(waiting) - len(taken) > leave:
            taken.append(name)
            room -= len(groups[name])
    if share > 0 and not taken:
        return [min(waiting, key=lambda name: len(groups[name]))]
    return taken


def _newest(waiting: Sequence[str], groups: Groups, share: float, *, leave: int) -> list[str]:
    """The newest groups, up to the first that does not fit into the share of the dated records.

    That one is not passed over for an older one: train would know what comes after the test.
    """
    if share == 0:
        return []
    dates = {name: date for name in waiting if (date := _oldest(groups[name])) is not None}
    if not dates:
        raise OnbrandError(
            'dataset.split = "newest" would leave test empty: no near-duplicate group has a date '
            'on every text (use "random")'
        )
    newest_first = sorted(dates, key=lambda name: dates[name], reverse=True)
    room = _room(newest_first, groups, share)
    taken: list[str] = []
    for name in newest_first:
        room -= len(groups[name])
        if taken and (room < 0 or len(waiting) - len(taken) <= leave):
            break
        taken.append(name)
    return taken


def _oldest(group: Sequence[Record]) -> datetime | None:
    """When the group's oldest member was published; None when a member does not say."""
    dates = [instant(record.published_at) for record in group]
    known = [date for date in dates if date is not None]
    return min(known) if len(known) == len(dates) else None


def instant(published_at: str | None) -> datetime | None:
    """A record's date as a point in time (UTC where it names no offset), or None without one."""
    try:
        date = datetime.fromisoformat(published_at or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _room(names: Sequence[str], groups: Groups, share: float) -> int:
    return round(share * sum(len(groups[name]) for name in names))


def _without(waiting: Sequence[str], taken: Sequence[str]) -> list[str]:
    gone = set(taken)
    return [name for name in waiting if name not in gone]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
