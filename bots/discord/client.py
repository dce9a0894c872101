"""discord.py's client: each event is handed to the desk."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import discord
from cachetools import LRUCache
from discord import app_commands

from bots.discord import _dpy_internals as internals
from bots.discord.buttons import pressed
from bots.discord.commands import add_commands
from bots.discord.lookups import question_from
from bots.discord.platform import THUMBS, DiscordPlatform
from bots.discord.posting import persist
from bots.discord.questions import SPOKEN, message_name, place_of
from bots.platform import FrontDesk, Rating
from bots.question import Place
from onbrand.config import BrandConfig
from onbrand.config.bots import Discord
from onbrand.errors import OnbrandError

_GUILDS_SECONDS = 1.0
"""How long a silence ends the list of servers that follows a login."""
_KNOCKS = 3
"""Failed connections after which the address of the last session is given up."""
_MARGIN = timedelta(seconds=30)
"""What was said so long before we lost the connection is looked at again."""
_MOST_PLACES = 200
_log = logging.getLogger(__name__)


def intents_for(settings: Discord) -> discord.Intents:
    """What Discord is asked to tell us: messages, and reactions to them."""
    intents = discord.Intents.none()
    intents.guilds = True  # channels, threads and roles; without it nothing has a name
    intents.guild_messages = intents.dm_messages = True
    intents.guild_reactions = intents.dm_reactions = True
    intents.message_content = settings.message_content
    return intents


class OnbrandClient(discord.Client):
    """Translates events; see https://discordpy.readthedocs.io/en/stable/api.html#event-reference.

    Args:
        desk: Where they go.
        config: [discord], and the brand's name.
    """

    def __init__(self, desk: FrontDesk, config: BrandConfig) -> None:
        settings = config.discord
        super().__init__(
            intents=intents_for(settings),
            allowed_mentions=discord.AllowedMentions.none(),
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            guild_ready_timeout=_GUILDS_SECONDS,
        )
        self.platform = DiscordPlatform(self, settings)
        self.tree = app_commands.CommandTree(self)
        add_commands(self.tree, desk, config.brand.name)
        self._recover = timedelta(minutes=config.bots.recover_minutes)
        self._desk = desk
        self._seen_at = datetime.now(UTC)
        self._places: LRUCache[str, Place] = LRUCache(_MOST_PLACES)
        """Where something was said lately, in this run."""
        self._knocks = 0
        self._ready_before = False
        self._syncing: asyncio.Task[None] | None = None

    async def setup_hook(self) -> None:
        """Tell Discord which commands there are, without waiting for it."""
        self._syncing = asyncio.create_task(self._sync())

    async def _sync(self) -> None:
        try:
            await persist(self.tree.sync)
        except (OnbrandError, discord.DiscordException) as error:
            _log.error("The slash commands could not be registered: %s", error)

    async def close(self) -> None:
        """Disconnect."""
        if self._syncing is not None:
            self._syncing.cancel()
        await super().close()

    # The connection.

    async def on_ready(self) -> None:
        """A new session: what happened between it and the last one is read from the channels."""
        self._knocks = 0
        if self._ready_before:
            since = max(self._seen_at - _MARGIN, datetime.now(UTC) - self._recover)
            for question in await self.platform.missed(list(self._places.values()), since):
                await self._desk.receive(question)
        self._ready_before = True
        self._seen_at = datetime.now(UTC)

    async def on_resumed(self) -> None:
        """The session goes on; Discord has sent what was missed."""
        self._knocks = 0

    async def on_disconnect(self) -> None:
        """Also called for every attempt to connect that failed."""
        self._knocks += 1
        if self._knocks >= _KNOCKS:
            internals.forget_resume_address(self)

    async def on_error(self, event_method: str, /, *args: object, **kwargs: object) -> None:
        """A fault of ours; what the event said is not logged."""
        _log.exception("The event %s was not handled.", event_method)

    # What people say.

    async def on_message(self, message: discord.Message) -> None:
        """A message that we can see."""
        if message.type not in SPOKEN:
            return
        self._note(message)
        await self._desk.receive(await question_from(self, message, self.platform.me))

    def _note(self, message: discord.Message) -> None:
        if self.is_ready():
            self._seen_at = message.created_at
        place = place_of(message.channel)
        self._places[place.id] = place

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """A message was changed, or Discord added a preview to it."""
        message = payload.message
        if message.author.id != self.platform.me.id and message.edited_at is not None:
            await self._desk.edited(await question_from(self, message, self.platform.me))

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """A message was deleted."""
        await self._desk.deleted(str(payload.message_id))

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Many messages were deleted at once."""
        for message_id in sorted(payload.message_ids):
            await self._desk.deleted(str(message_id))

    # What people click.

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """A thumb, of any skin colour, is feedback."""
        rating: Rating | None = THUMBS.get((payload.emoji.name or "")[:1])
        by_bot = payload.member is not None and payload.member.bot
        if rating is None or by_bot or payload.user_id == self.platform.me.id:
            return
        name = message_name(payload.channel_id, payload.message_id)
        await self._desk.feedback(name, str(payload.user_id), rating)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A button; commands go through the tree."""
        if interaction.type is discord.InteractionType.component:
            await pressed(interaction, self._desk)
