"""Slash commands and the context menu: what people type or click, as questions."""

import logging

import discord
from discord import app_commands

from bots.conversation import wording
from bots.discord import markup
from bots.discord.command_outlet import Deferred
from bots.discord.posting import persist
from bots.discord.questions import SPOKEN, place_of_command, roles_of
from bots.platform import FrontDesk
from bots.question import AskedAs, Question, Turn
from onbrand.errors import OnbrandError

GROUP = "onbrand"
REWRITE = "Rewrite in our voice"
_MOST_CHARACTERS = 4000
"""Of what is typed into one option; the most that Discord allows is 6,000."""
_ACKNOWLEDGED = 40060
"""Error code: it was done before, by a try whose answer was lost, or it was delivered twice."""
_CALLBACK_SECONDS = 2.5
"""Discord waits three for the first answer to an interaction."""
_log = logging.getLogger(__name__)
_Text = app_commands.Range[str, 1, _MOST_CHARACTERS]


def add_commands(
    tree: app_commands.CommandTree[discord.Client], desk: FrontDesk, brand: str
) -> None:
    """Put `/onbrand ask|write|voice|help` and the context menu into the tree.

    Args:
        tree: Of the client; to be synced with Discord afterwards.
        desk: Where the questions go.
        brand: Its name, for the help.
    """
    group = app_commands.Group(name=GROUP, description="Ask, write and speak in our voice")

    @group.command(description="Ask a question")
    @app_commands.describe(question="What you want to know")
    async def ask(interaction: discord.Interaction, question: _Text) -> None:
        await _receive(interaction, desk, "ask", question)

    @group.command(description="Write a text in our voice")
    @app_commands.describe(about="What it is about", kind="What kind of text")
    async def write(interaction: discord.Interaction, about: _Text, kind: str = "") -> None:
        named = kind if kind in wording.KINDS else ""
        # Something else than what was offered: it belongs to what the text is about.
        text = about if named or not kind else f"{kind}: {about}"
        await _receive(interaction, desk, "write", text, kind=named)

    @write.autocomplete("kind")
    async def kinds(
        interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=label, value=key)
            for key, label in wording.KINDS.items()
            if current.casefold() in f"{key} {label}".casefold()
        ]

    @group.command(description="Say a text in our voice")
    @app_commands.describe(text="What to say")
    async def voice(interaction: discord.Interaction, text: _Text) -> None:
        await _receive(interaction, desk, "voice", text)

    @group.command(name="help", description="What I can do")
    async def show_help(interaction: discord.Interaction) -> None:
        text = wording.help_text(brand, f"/{GROUP}")
        await interaction.response.send_message(text, ephemeral=True)

    async def rewrite(interaction: discord.Interaction, message: discord.Message) -> None:
        me = interaction.client.user
        text = markup.plain(message, message.content, me.id if me else 0)
        if not text or message.type not in SPOKEN:
            sentence = "There is no text in that message that I could rewrite."
            await interaction.response.send_message(sentence, ephemeral=True)
            return
        await _receive(interaction, desk, "rewrite", text)

    @tree.error
    async def fault(interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        _log.error("A command failed.", exc_info=error)
        # Nobody is left with "thinking".
        if interaction.response.is_done():
            await interaction.edit_original_response(content=wording.FAULT)
        else:
            await interaction.response.send_message(wording.FAULT, ephemeral=True)

    tree.add_command(group)
    tree.add_command(app_commands.ContextMenu(name=REWRITE, callback=rewrite))


async def _receive(
    interaction: discord.Interaction,
    desk: FrontDesk,
    asked_as: AskedAs,
    text: str,
    **options: str,
) -> None:
    """Acknowledge at once, which shows "thinking", then ask the desk."""
    deferred = await _defer(interaction)
    if deferred is None:
        return
    author = interaction.user
    question = Question(
        id=str(interaction.id),
        place=place_of_command(interaction),
        turn=Turn(
            author_id=str(author.id),
            author_name=author.display_name,
            text=text.strip(),
            at=interaction.created_at,
        ),
        asked_as=asked_as,
        options=options,
        mentioned=True,
        roles=roles_of(author),
        reference=deferred,
    )
    receipt = await desk.receive(question)
    if receipt.sentence:
        sentence = receipt.sentence
        await persist(lambda: interaction.edit_original_response(content=sentence))


async def _defer(interaction: discord.Interaction) -> Deferred | None:
    """None when it came too late, so that nobody can answer it any more."""
    try:
        answered = await persist(
            lambda: interaction.response.defer(thinking=True), seconds=_CALLBACK_SECONDS
        )
    except OnbrandError as error:
        if getattr(error.__cause__, "code", 0) != _ACKNOWLEDGED:
            _log.info("A command was not answered: %s", error)
            return None
        answered = None
    if answered is not None and answered.message_id is not None:
        return Deferred(interaction, answered.message_id)
    try:
        return Deferred(interaction, (await persist(interaction.original_response)).id)
    except OnbrandError as error:
        _log.info("A command was not answered: %s", error)
        return None
