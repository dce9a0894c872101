"""The story, put together from what `scrape` and `build` left in `raw/`, `clean/`, `dataset/`.

Nothing is computed again but similarities, so the story is of the build that was, whatever the
settings say now.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from onbrand.artifact import Manifest, read_manifest, required_manifest
from onbrand.errors import OnbrandError, UsageError
from onbrand.record import Record, read_records, record_id
from onbrand.workspace import Workspace
from scraper import raw
from scraper.clean.changes import read_changes
from scraper.clean.rejected import Rejected, StepCount, read_rejected
from scraper.clean.steps import MEANING
from scraper.explain.difference import Piece, pieces
from scraper.explain.find import find
from scraper.explain.likeness import likeness

MOST_RELATIVES = 10
"""Records of the same group, or dropped in favour of this one, that are named at most."""


class Found(BaseModel):
    """Where a record was found: one page, post or file in `raw/`."""

    place: str
    """URL, or the path of a file."""
    facts: dict[str, Any]
    """What `raw/` says about it, without the text."""


class FieldChange(BaseModel):
    """What a step changed in one field of the record."""

    field: str
    pieces: list[Piece]
    """Of a text."""
    before: Any = None
    """Of any other field."""
    after: Any = None


class StepTold(BaseModel):
    """What one step did with the record."""

    step: str
    meaning: str
    result: str
    """`unchanged`, `changed` or `dropped`."""
    changes: list[FieldChange] = []


class Relative(BaseModel):
    """Another record with much the same text."""

    id: str
    url: str
    similarity: float
    """Greatest Jaccard similarity of any view, 0 to 1; exact duplicates have 1."""
    text: str
    """Its first line."""


class Story(BaseModel):
    """One record's way from where it was found to where it ended."""

    id: str
    source: str
    url: str
    found: list[Found]
    steps: list[StepTold]
    outcome: str
    """`kept` or `dropped`."""
    dropped_by: str = ""
    reason: str = ""
    lost_against: Relative | None = None
    dropped_in_its_favour: list[Relative] = []
    """Duplicates that lost against this one; the first few."""
    same_place: int = 0
    """Copies of the same page or post that were set aside."""
    group: str = ""
    group_size: int = 0
    group_members: list[Relative] = []
    """The others of the group, nearest first; the first few."""
    split: str = ""
    """`train`, `validation`, `test`; empty when dropped, or when the data set is of another day."""
    record: Record
    """As it was kept, or as it was when it was dropped."""
    notes: list[str] = []
    """Where the artifacts no longer fit together."""


def explain(workspace: Workspace, asked: str) -> Story:
    """The story of the record that an id, a URL, or a part of either names.

    Raises:
        UsageError: nothing was asked, or no record, or more than one, is called that.
        OnbrandError: there is no finished build, one without its changes, or a data set of it that
            cannot be read.
    """
    if not asked.strip().rstrip("/"):
        raise UsageError("--explain needs an id, a URL, or a part of either.")
    cleaned = required_manifest(workspace.clean, "clean records", "build")
    changes = workspace.clean / "changes.jsonl"
    if not changes.is_file() or "steps" not in cleaned.details:
        raise OnbrandError(f"{changes} is not there; run `onbrand build --force` to make it.")
    kept = {record.id: record for record in read_records(workspace.clean / "records.jsonl")}
    rejected = list(read_rejected(workspace.clean / "rejected.jsonl"))
    places = {item.record.id: item.record.url for item in rejected}
    places |= {record.id: record.url for record in kept.values()}
    identifier = find(asked, places, workspace.raw)
    drops = [item for item in rejected if item.record.id == identifier]
    copies = [item for item in drops if item.step == "same-place"]
    own = [item for item in drops if item.step != "same-place"]
    texts = kept | {item.record.id: item.record for item in rejected if item.record.id not in kept}
    record = kept[identifier] if identifier in kept else (own or copies)[0].record
    steps = [StepCount.model_validate(step).step for step in cleaned.details["steps"]]
    lost = own[0] if own else None
    told = [
        StepTold(step=step, meaning=MEANING.get(step, ""), result="unchanged")
        for step in (steps if lost is None else steps[: steps.index(lost.step) + 1])
    ]
    by_step = {step.step: step for step in told}
    for change in read_changes(changes, identifier):
        by_step[change.step].result = "changed"
        by_step[change.step].changes = list(_fields(change.before, change.after))
    if lost is not None:
        by_step[lost.step].result = "dropped"
    group = [other for other in kept.values() if record.group and other.group == record.group]
    members = [other for other in group if other.id != identifier]
    return Story(
        id=identifier,
        source=record.source,
        url=record.url,
        found=list(_found(workspace, record)),
        steps=told,
        outcome="dropped" if lost else "kept",
        dropped_by=lost.step if lost else "",
        reason=lost.reason if lost else "",
        lost_against=_winner(lost, texts) if lost else None,
        dropped_in_its_favour=_relatives(record, _losers(identifier, rejected)),
        same_place=len(copies),
        group=record.group,
        group_size=len(group),
        group_members=_relatives(record, members),
        split="" if lost else _split_of(workspace, cleaned, identifier),
        record=record,
        notes=list(_notes(workspace, cleaned)),
    )


def _fields(before: dict[str, Any], after: dict[str, Any]) -> Iterator[FieldChange]:
    for field in before:
        if isinstance(before[field], str) and field in ("text", "title") and before[field]:
            yield FieldChange(field=field, pieces=pieces(before[field], after[field]))
        else:
            yield FieldChange(field=field, pieces=[], before=before[field], after=after[field])


def _found(workspace: Workspace, record: Record) -> Iterator[Found]:
    folder = workspace.raw
    if record.source == "website":
        for page in raw.read_raw(folder / raw.PAGES, raw.Page):
            if record_id("website", page.final_url) == record.id:
                facts = page.model_dump(exclude={"html"}, exclude_defaults=True)
                yield Found(place=page.url, facts={**facts, "characters": len(page.html)})
    elif record.source == "file":
        for file in raw.read_raw(folder / raw.FILES, raw.TextFile):
            if record_id("file", file.path) == record.id:
                yield Found(place=file.path, facts={"characters": len(file.text)})
    else:
        for post in raw.read_raw(folder / raw.POSTS, raw.Post):
            if record_id(post.source, post.post_id) == record.id:
                facts = post.model_dump(exclude={"text", "tags"}, exclude_defaults=True)
                yield Found(place=post.url, facts={**facts, "characters": len(post.text)})


def _winner(lost: Rejected, texts: dict[str, Record]) -> Relative | None:
    """The record that a duplicate lost against."""
    if lost.lost_against not in texts:
        return None
    exact = lost.step == "exact-duplicate"
    (relative,) = _relatives(lost.record, [texts[lost.lost_against]])
    return relative.model_copy(update={"similarity": 1.0}) if exact else relative


def _losers(identifier: str, rejected: Sequence[Rejected]) -> list[Record]:
    """The duplicates that lost against a record; copies of its own place are told elsewhere."""
    return [
        item.record
        for item in rejected
        if item.lost_against == identifier and item.record.id != identifier
    ]


def _relatives(record: Record, others: Sequence[Record]) -> list[Relative]:
    """The others by their similarity to the record, greatest first."""
    if not others:
        return []
    similarities = likeness(record.text, [other.text for other in others])
    ranked = sorted(zip(similarities, others, strict=True), key=lambda pair: (-pair[0], pair[1].id))
    return [
        Relative(
            id=other.id,
            url=other.url,
            similarity=round(similarity, 4),
            text=other.text.partition("\n")[0],
        )
        for similarity, other in ranked[:MOST_RELATIVES]
    ]


def _split_of(workspace: Workspace, cleaned: Manifest, identifier: str) -> str:
    """Empty when the data set was made from other records: it may have had this one elsewhere."""
    if not _made_from(workspace, cleaned):
        return ""
    from scraper.dataset.table import load

    splits = load(workspace.dataset)
    return next(
        (name for name, part in splits.items() if any(r.id == identifier for r in part)), ""
    )


def _made_from(workspace: Workspace, cleaned: Manifest) -> bool:
    made = read_manifest(workspace.dataset)
    return made is not None and made.inputs.get("clean") == cleaned.output_hash


def _notes(workspace: Workspace, cleaned: Manifest) -> Iterator[str]:
    scraped = read_manifest(workspace.raw)
    if scraped is None or scraped.output_hash != cleaned.inputs.get("raw"):
        yield "raw/ has changed since the last build; run `onbrand build`."
    if not _made_from(workspace, cleaned):
        yield "dataset/ was not made from these records; run `onbrand build`."
