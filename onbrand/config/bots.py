"""The bots: what holds for both, and what is Slack's and Discord's own."""

import os
from typing import Literal

from pydantic import Field

from onbrand.config.section import Section


class Bots(Section):
    """How the bots answer, on every platform."""

    gateway: str = Field(
        "",
        description="URL of the gateway, without /v1; ONBRAND_GATEWAY_URL wins (empty: the one of "
        "this workspace)",
    )
    history_turns: int = Field(
        30, ge=1, description="Messages of the conversation that the model sees, at most"
    )
    history_tokens: int = Field(
        3000, ge=1, description="Estimated tokens of them, at most; the gateway trims exactly"
    )
    user_per_minute: int = Field(
        10, ge=0, description="Questions of one person in a minute (0: no limit)"
    )
    channel_per_minute: int = Field(
        60, ge=0, description="Questions in one channel in a minute (0: no limit)"
    )
    flood_sentence: str = Field(
        "That is more than I can answer at once. Please try again in {seconds} seconds.",
        description="Said once to a person over the limit; {seconds} is the time to wait",
    )
    concurrency: int = Field(
        32, ge=1, description="Answers asked of the gateway at once; more wait, with a sign of life"
    )
    patience_seconds: float = Field(
        10.0, ge=0, description="How long a busy gateway is asked again, in all, seconds"
    )
    silence_seconds: float = Field(
        60.0, gt=0, description="Longest wait for the next piece of an answer, seconds"
    )
    recover_minutes: float = Field(
        10.0, ge=0, description="Age up to which questions are answered after a restart, minutes"
    )
    drain_seconds: float = Field(
        25.0, ge=0, description="How long answers under way may go on after SIGTERM, seconds"
    )
    ledger_days: int = Field(
        30, ge=1, description="How long ids of questions and answers are remembered, days"
    )
    media: bool = Field(
        False,
        description="Whether the gateway takes images and voice; else a sentence says not yet",
    )
    media_sentence: str = Field(
        "I can't take in images or voice messages yet. Please write it to me.",
        description="Said when one comes although media is false",
    )
    pages: bool = Field(
        True, description="Read linked pages of the brand's own site ([website] start_urls)"
    )
    context_characters: int = Field(
        4000, ge=0, description="Text taken from attachments and pages for one question, characters"
    )
    attachment_kb: int = Field(1024, ge=1, description="Largest attachment that is read, kilobytes")
    health_host: str = Field(
        "127.0.0.1", description="Address that /health, /ready and /metrics of a bot listen on"
    )

    @property
    def gateway_url(self) -> str:
        """The gateway's URL in effect; "" for the one of this workspace."""
        return os.environ.get("ONBRAND_GATEWAY_URL") or self.gateway


class Slack(Section):
    """The bot in Slack."""

    mode: Literal["socket", "http"] = Field(
        "socket", description="socket: it calls Slack, no open port; http: Slack calls it"
    )
    base_url: str = Field(
        "https://slack.com/api/",
        description="Slack's Web API; ONBRAND_SLACK_BASE_URL wins (GovSlack has another)",
    )
    host: str = Field("0.0.0.0", description="Address it listens on, for mode = http")  # noqa: S104
    port: int = Field(3000, ge=0, le=65535, description="Port it listens on, for mode = http")
    health_port: int = Field(
        8091, ge=0, le=65535, description="Port of /health, /ready and /metrics (0: none)"
    )
    command: str = Field("/onbrand", pattern=r"^/[a-z0-9_-]{1,31}$", description="Slash command")
    channels: list[str] = Field(
        [], description="Ids of the channels it answers in (empty: all it was invited to)"
    )
    users: list[str] = Field([], description="Ids of the people it answers (empty: all)")
    direct_messages: bool = Field(True, description="Whether it answers direct messages")
    allow_bots: bool = Field(False, description="Whether it answers other bots that mention it")
    personas: dict[str, str] = Field(
        {}, description="What to add to the brand's persona, by channel id"
    )
    view: Literal["assistant", "agent"] = Field(
        "assistant",
        description="Slack's two ways to talk with an app: assistant, or agent, which follows it",
    )
    suggested_prompts: list[str] = Field(
        ["Write an Instagram post", "What do you stand for?", "Say this in your voice: …"],
        max_length=4,
        description="Offered when an assistant thread is opened",
    )
    loading_messages: list[str] = Field(
        ["Thinking …", "Finding the words …"],
        max_length=10,
        description="Shown in turn until the first word",
    )

    @property
    def api_url(self) -> str:
        """The Web API's URL in effect, with a slash at its end."""
        return (os.environ.get("ONBRAND_SLACK_BASE_URL") or self.base_url).rstrip("/") + "/"


class DiscordGuild(Section):
    """What differs in one Discord server; keys that are not given are as in [discord]."""

    channels: list[str] = Field([], description="Ids of the channels it answers in (empty: all)")
    roles: list[str] = Field([], description="Ids of the roles it answers (empty: all)")
    users: list[str] = Field([], description="Ids of the people it answers (empty: all)")
    allow_bots: bool = Field(False, description="Whether it answers other bots that mention it")
    personas: dict[str, str] = Field(
        {}, description="What to add to the brand's persona, by channel id"
    )
    threads: bool = Field(False, description="Whether a long talk moves to a thread")


class Discord(Section):
    """The bot in Discord."""

    base_url: str = Field(
        "https://discord.com/api/v10",
        description="Discord's REST API; ONBRAND_DISCORD_BASE_URL wins",
    )
    gateway_url: str = Field(
        "",
        description="Discord's gateway (wss); ONBRAND_DISCORD_GATEWAY_URL wins "
        "(empty: asked from the REST API)",
    )
    health_port: int = Field(
        8092, ge=0, le=65535, description="Port of /health, /ready and /metrics (0: none)"
    )
    channels: list[str] = Field(
        [], description="Ids of the channels it answers in (empty: all it can see)"
    )
    roles: list[str] = Field([], description="Ids of the roles it answers (empty: all)")
    users: list[str] = Field([], description="Ids of the people it answers (empty: all)")
    direct_messages: bool = Field(True, description="Whether it answers direct messages")
    allow_bots: bool = Field(False, description="Whether it answers other bots that mention it")
    personas: dict[str, str] = Field(
        {}, description="What to add to the brand's persona, by channel id"
    )
    threads: bool = Field(False, description="Whether a long talk moves to a thread")
    thread_after: int = Field(
        3, ge=1, description="Answers in a row of replies after which it does, with threads = true"
    )
    thumbs: bool = Field(
        True, description="Whether thumbs are put under an answer, for people to click"
    )
    message_content: bool = Field(
        True,
        description="Ask for Message Content Intent; without it, it reads only what mentions it",
    )
    guilds: dict[str, DiscordGuild] = Field(
        {}, description="What differs in one server, by its id: [discord.guilds.ID]"
    )

    @property
    def api_url(self) -> str:
        """The REST API's URL in effect, without a slash at its end."""
        return (os.environ.get("ONBRAND_DISCORD_BASE_URL") or self.base_url).rstrip("/")

    @property
    def socket_url(self) -> str:
        """The gateway's URL in effect; "" when the REST API says it."""
        return os.environ.get("ONBRAND_DISCORD_GATEWAY_URL") or self.gateway_url

    def in_guild(self, guild_id: str) -> "Discord":
        """The settings in effect in one server; "" for direct messages."""
        guild = self.guilds.get(guild_id)
        if guild is None:
            return self
        return self.model_copy(update={key: getattr(guild, key) for key in guild.model_fields_set})
