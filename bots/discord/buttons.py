"""The buttons below an answer, and what pressing them does.

They carry the question's id, so they work after a restart as well.
"""

import logging
import re
from typing import Literal

import discord

from bots.discord.posting import FAILURES
from bots.platform import FrontDesk

Buttons = Literal["", "stop", "retry"]
"""What stands below a message."""
_log = logging.getLogger(__name__)
_LABELS = {"stop": ("Stop", "⏹️"), "retry": ("Try again", "🔁")}
_ANSWERED = (10062, 40060)
"""Unknown interaction, and one that has been acknowledged."""
_ID = re.compile(r"onbrand:(stop|retry):(\d+)")


def view_of(buttons: Buttons, question_id: str) -> discord.ui.View | None:
    """What to send as the message's `view`; None: no buttons, also where there were some."""
    if not buttons:
        return None
    label, emoji = _LABELS[buttons]
    view = discord.ui.View(timeout=None)
    view.add_item(
        discord.ui.Button(
            label=label,
            emoji=emoji,
            style=discord.ButtonStyle.secondary,
            custom_id=f"onbrand:{buttons}:{question_id}",
        )
    )
    # Presses are recognised by their id; a finished view is one that discord.py does not keep.
    view.stop()
    return view


def buttons_of(message: discord.Message) -> Buttons:
    """What stands below one of our messages."""
    for row in message.components:
        for child in getattr(row, "children", ()):
            if found := _ID.fullmatch(getattr(child, "custom_id", None) or ""):
                return "stop" if found[1] == "stop" else "retry"
    return ""


async def pressed(interaction: discord.Interaction, desk: FrontDesk) -> None:
    """Hand a press to the desk; what it has to say is told to the person alone."""
    found = _ID.fullmatch(str(interaction.data.get("custom_id"))) if interaction.data else None
    if found is None:
        return
    retry = found[1] == "retry"
    try:
        await interaction.response.defer()  # within three seconds, or the press "failed"
    except FAILURES as error:
        # Delivered a second time, or too late, it was answered already; to stop does no harm.
        if retry and isinstance(error, discord.HTTPException) and error.code in _ANSWERED:
            return
    receipt = await (desk.retry if retry else desk.stop)(found[2], str(interaction.user.id))
    try:
        if receipt.sentence:
            await interaction.followup.send(receipt.sentence, ephemeral=True)
        if retry and receipt.accepted:
            await interaction.edit_original_response(view=None)
    except FAILURES as error:
        _log.info("A press of a button could not be answered: %s", error)
