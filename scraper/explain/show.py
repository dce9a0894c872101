"""The story as text for the terminal."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from scraper.explain.difference import Piece, shortened, visible
from scraper.explain.story import FieldChange, Relative, Story

_SHOWN_PIECES = 5
_SHOWN_CHARACTERS = 160
_FOUND = {
    "published_at": "published",
    "author": "by",
    "fetched_at": "fetched",
    "final_url": "redirected to",
    "status": "status",
    "content_type": "type",
    "rendered": "rendered",
    "characters": "characters",
}


def lines(story: Story) -> Iterator[Text]:
    """The story, line by line; nothing in it is taken for markup."""
    yield Text(story.id, style="bold")
    for found in story.found or []:
        yield from _found(found.place, found.facts)
    if not story.found:
        yield Text(f"  found    {story.url} (no longer in raw/)")
    if story.same_place:
        yield Text(f"  {story.same_place} more of the same place set aside (same-place)")
    yield Text()
    width = max(len(step.step) for step in story.steps)
    for step in story.steps:
        style = {"changed": "yellow", "dropped": "red"}.get(step.result, "dim")
        yield Text.assemble(f"  {step.step:<{width}}  ", (step.result, style))
        for change in step.changes:
            yield from _change(change)
    yield Text()
    yield from _ending(story)
    for note in story.notes:
        yield Text(f"Note: {note}", style="yellow")


def _found(place: str, facts: dict[str, object]) -> Iterator[Text]:
    yield Text(f"  found    {place}")
    shown = [
        f"{_FOUND[name]} {value:,}" if name == "characters" else f"{_FOUND[name]} {value}"
        for name, value in facts.items()
        if name in _FOUND and value != place
    ]
    yield Text(f"           {', '.join(shown)}", style="dim")


def _change(change: FieldChange) -> Iterator[Text]:
    if not change.pieces:
        yield Text.assemble(
            f"    {change.field}: ",
            (f"{change.before!r}", "red"),
            " → ",
            (f"{change.after!r}", "green"),
        )
        return
    for piece in change.pieces[:_SHOWN_PIECES]:
        yield _piece(change.field, piece)
    if len(change.pieces) > _SHOWN_PIECES:
        rest = len(change.pieces) - _SHOWN_PIECES
        yield Text(f"    {change.field}: and {rest:,} more such places", style="dim")


def _piece(field: str, piece: Piece) -> Text:
    removed = visible(shortened(piece.removed, _SHOWN_CHARACTERS))
    added = visible(shortened(piece.added, _SHOWN_CHARACTERS))
    return Text.assemble(
        f"    {field}: ",
        (visible(piece.lead, whole=False), "dim"),
        (f"[-{removed}-]" if removed else "", "red"),
        (f"{{+{added}+}}" if added else "", "green"),
        (visible(piece.trail, whole=False), "dim"),
    )


def _ending(story: Story) -> Iterator[Text]:
    if story.outcome == "dropped":
        yield Text.assemble(("Dropped", "bold red"), f" by {story.dropped_by}: {story.reason}.")
        if story.lost_against:
            yield from _relatives("It lost against", [story.lost_against])
        return
    where = f", in {story.split}" if story.split else ", in no split yet"
    yield Text.assemble(("Kept", "bold green"), f"{where}.")
    if story.group_size > 1:
        yield Text(f"Group {story.group}: {story.group_size} records, all in the same split.")
        yield from _relatives("With it", story.group_members)
    else:
        yield Text("Group: no other text is near to it.")
    if story.dropped_in_its_favour:
        yield from _relatives("Dropped in its favour", story.dropped_in_its_favour)


def _relatives(label: str, relatives: Sequence[Relative]) -> Iterator[Text]:
    yield Text(f"{label}:")
    for relative in relatives:
        start = visible(shortened(relative.text, 80))
        yield Text.assemble(
            f"  {relative.id}  similarity {relative.similarity:.2f}  ", (start, "dim")
        )
        yield Text(f"    {relative.url}", style="dim")
