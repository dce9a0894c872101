"""`onbrand keys`, `onbrand data`, `onbrand feedback`: what the gateway's store holds."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.markup import escape
from rich.table import Table

from onbrand.atomic import write_text
from onbrand.cli.common import AsJson, workspace_of
from onbrand.console import notes, results
from onbrand.errors import UsageError
from onbrand.plural import plural

if TYPE_CHECKING:
    from serving.store.examples import Export
    from serving.store.store import Store

T = TypeVar("T")
User = Annotated[str, typer.Option("--user", help="As X-Onbrand-User or `user` names them.")]

keys = typer.Typer(help="API keys of the gateway.", no_args_is_help=True)
data = typer.Typer(help="What the gateway keeps of a person.", no_args_is_help=True)
feedback = typer.Typer(help="What people think of the answers.", no_args_is_help=True)


@keys.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What or who it is for.")],
    scope: Annotated[
        list[str], typer.Option(help="chat, batches, feedback or metrics; repeat for more.")
    ] = ["chat", "feedback"],  # noqa: B006 - typer reads it, nobody changes it
    per_minute: Annotated[
        int | None, typer.Option(min=1, help="Requests in a minute, instead of [limits]'s.")
    ] = None,
) -> None:
    """Make a key and print it; it cannot be shown again."""
    key, secret = _with_store(context, lambda store: store.keys.create(name, scope, per_minute))
    notes.print(f"Key {key.id} ({name}); keep it now, only its hash is stored:", markup=False)
    results.print(secret, soft_wrap=True)


@keys.command(name="list")
def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """All keys, revoked ones too."""
    found = _with_store(context, lambda store: store.keys.list())
    rows: list[dict[str, Any]] = [
        {
            "id": key.id,
            "name": key.name,
            "scopes": sorted(key.scopes),
            "per_minute": key.per_minute,
            "created": _time(key.created_at),
            "last_used": _time(key.last_used_at),
            "revoked": _time(key.revoked_at),
        }
        for key in found
    ]
    if as_json:
        results.print_json(data=rows)
        return
    table = Table(box=None)
    for heading in ("id", "name"):  # what is typed to revoke a key
        table.add_column(heading, no_wrap=True)
    for heading in ("scopes", "per minute", "created", "last used", "revoked"):
        table.add_column(heading)
    for row in rows:
        cells = {**row, "scopes": ", ".join(row["scopes"])}
        table.add_row(*(escape(str(cell or "")) for cell in cells.values()))
    results.print(table)


@keys.command()
def revoke(
    context: typer.Context, name: Annotated[str, typer.Argument(help="Name or id.")]
) -> None:
    """End a key; a running gateway refuses it from the next request on."""
    key = _with_store(context, lambda store: store.keys.revoke(name))
    notes.print(f"Key {key.id} ({key.name}) is revoked.", markup=False)


@data.command(name="export")
def export_data(
    context: typer.Context,
    user: User,
    out: Annotated[Path | None, typer.Option(help="File to write (default: print).")] = None,
) -> None:
    """Everything kept of a person, as JSON."""
    name = _kept(user)
    found = _with_store(context, lambda store: store.personal.export(name))
    if out:
        write_text(out, json.dumps(found, ensure_ascii=False, indent=2) + "\n")
    else:
        results.print_json(data=found, ensure_ascii=False)


@data.command()
def delete(context: typer.Context, user: User) -> None:
    """Delete everything kept of a person: usage, conversations, feedback."""
    name = _kept(user)
    counts = _with_store(context, lambda store: store.personal.delete(name))
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    notes.print(f"Deleted of {user}: {said}.", markup=False)


@feedback.command(name="export")
def export_feedback(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="File to write, .jsonl.")],
    every: Annotated[bool, typer.Option("--all", help="Answers with a thumb down too.")] = False,
) -> None:
    """Answers people liked, as a question file for [examples] question_files."""

    async def collect(store: "Store") -> "Export":
        from serving.store.examples import export_examples

        return await export_examples(store.feedback.judged(), out, disliked_too=every)

    outcome = _with_store(context, collect)
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in outcome.left_out.most_common())
    notes.print(
        f"{plural(outcome.written, 'answer')} in {out}; left out: {reasons or 'none'}.",
        markup=False,
        soft_wrap=True,
    )


def _kept(user: str) -> str:
    from serving.store.users import kept_name

    if not user:
        raise UsageError("--user is empty; name the person as X-Onbrand-User or `user` does.")
    return kept_name(user)


def _with_store(context: typer.Context, work: "Callable[[Store], Awaitable[T]]") -> T:
    from serving.store.store import open_store

    async def run() -> T:
        async with open_store(workspace_of(context)) as store:
            return await work(store)

    return asyncio.run(run())


def _time(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="minutes")
