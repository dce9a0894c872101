"""Whether a message wants an answer from us, and why or why not."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from bots.question import Place, Question
from onbrand.config import BrandConfig

_STOPS = frozenset({"stop", "stop it", "stop please", "please stop", "halt", "cancel", "abort"})


@dataclass(frozen=True)
class Rules:
    """Whom we answer, and where; an empty collection allows all."""

    channels: Collection[str] = ()
    users: Collection[str] = ()
    roles: Collection[str] = ()
    """Of which one is enough; they do not exist in direct messages."""
    direct_messages: bool = True
    allow_bots: bool = False
    personas: dict[str, str] = field(default_factory=dict)
    """What to add to the brand's persona, by channel id."""

    def persona(self, place: Place) -> str:
        """What to add to the brand's persona there; a thread has that of its channel."""
        return self.personas.get(place.channel) or self.personas.get(place.parent, "")


@dataclass(frozen=True)
class Decision:
    """Whether to answer."""

    answer: bool
    reason: str
    """A phrase for the debug log."""
    if_we_spoke_there: bool = False
    """Answer only if its thread holds something that was asked of us before."""


def rules_for(config: BrandConfig, place: Place) -> Rules:
    """The rules in effect at a place."""
    if place.platform == "discord":
        discord = config.discord.in_guild(place.tenant)
        return Rules(
            channels=discord.channels,
            users=discord.users,
            roles=discord.roles,
            direct_messages=discord.direct_messages,
            allow_bots=discord.allow_bots,
            personas=discord.personas,
        )
    slack = config.slack
    return Rules(
        channels=slack.channels,
        users=slack.users,
        direct_messages=slack.direct_messages,
        allow_bots=slack.allow_bots,
        personas=slack.personas,
    )


def decide(question: Question, rules: Rules) -> Decision:
    """Whether to answer a question, as far as it says itself."""
    if refusal := _refusal(question, rules):
        return Decision(False, refusal)
    if question.asked_as != "message":
        return Decision(True, f"it is a command: {question.asked_as}")
    if not question.turn.text.strip() and not question.turn.attachments:
        # A bare mention is a greeting.
        return Decision(question.mentioned, "nothing was said")
    if question.place.kind == "dm":
        return Decision(True, "it is a direct message")
    if question.mentioned:
        return Decision(True, "it mentions us")
    if question.from_bot:
        return Decision(False, "a bot wrote it without a mention")
    if question.replies_to_us:
        return Decision(True, "it replies to us")
    if question.place.thread and question.turn.text.startswith("@"):
        return Decision(False, "it is said to another person in the thread")
    if question.in_our_thread:
        return Decision(True, "it stands in our thread")
    if question.place.thread:
        return Decision(True, "it stands in a thread", if_we_spoke_there=True)
    return Decision(False, "it is not said to us")


def _refusal(question: Question, rules: Rules) -> str:
    """Why we must not answer, whatever was said; "" when we may."""
    place = question.place
    if question.from_us:
        return "we wrote it"
    if question.from_bot and not rules.allow_bots:
        return "a bot wrote it"
    if rules.users and question.turn.author_id not in rules.users:
        return "its author is not in the list of users"
    if place.kind == "dm":
        return "" if rules.direct_messages else "direct messages are off"
    if rules.channels and not {place.channel, place.parent} & set(rules.channels):
        return "its channel is not in the list of channels"
    if rules.roles and not question.roles & set(rules.roles):
        return "its author has none of the listed roles"
    return ""


def is_stop(text: str) -> bool:
    """Whether a message says no more than "stop"."""
    words = re.sub(r"[^\w\s]", " ", text).casefold().split()
    return " ".join(words) in _STOPS
