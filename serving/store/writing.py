"""Notes of the journal as rows."""

import json
from collections import defaultdict
from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from serving.store.segments import Note
from serving.store.tables import ConversationRow, KeyRow, UsageRow, storable

_SUMS = ("requests", "prompt_tokens", "completion_tokens")


async def write_notes(session: AsyncSession, notes: list[Note]) -> None:
    """Add up usage, keep conversations, note when keys were used."""
    sums: dict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    used: dict[str, int] = {}
    for note in notes:
        match note["kind"]:
            case "usage":
                user, model = storable(note["user"]), storable(note["model"])
                total = sums[user, note["key_id"], note["day"], model]
                for place, value in enumerate((1, note["prompt"], note["completion"])):
                    total[place] += value
            case "conversation":
                session.add(
                    ConversationRow(
                        request_id=note["request_id"],
                        user=storable(note["user"]),
                        created_at=note["at"],
                        messages=json.dumps(note["messages"]),
                        answer=storable(note["answer"]),
                    )
                )
            case "key":
                used[note["id"]] = max(used.get(note["id"], 0), note["at"])
    # In one order, so that two gateways never wait for each other's rows in a circle.
    for (user, key_id, day, model), total in sorted(sums.items()):
        row = {"user": user, "key_id": key_id, "day": day, "model": model}
        await _add(session, row, dict(zip(_SUMS, total, strict=True)))
    for key, at in sorted(used.items()):
        later = or_(KeyRow.last_used_at.is_(None), KeyRow.last_used_at < at)
        noted = update(KeyRow).where(KeyRow.id == key, later).values(last_used_at=at)
        await session.execute(noted)


async def _add(session: AsyncSession, row: dict[str, str], sums: dict[str, int]) -> None:
    """Add to a day's row, or begin it; both databases do that in one statement."""
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(UsageRow).values(**row, **sums)
    raised = {name: getattr(UsageRow, name) + value for name, value in sums.items()}
    await session.execute(insert.on_conflict_do_update(index_elements=list(row), set_=raised))
