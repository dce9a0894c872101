"""What a person said, and where: the same for every platform.

A platform translates its events into these; nothing in them belongs to one platform, except the
fields called `reference`, which are handed back to the platform that made them and never kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

AskedAs = Literal["message", "ask", "write", "voice", "rewrite"]
"""`message`: written in a conversation; the others are commands, shortcuts and context menus:
`ask` a question, `write` a text to order, `voice` and `rewrite` a text to be said in our voice."""

AttachmentKind = Literal["text", "image", "voice", "other"]

PlaceKind = Literal["dm", "private", "public"]
"""`dm`: one person and us; `private`: a closed channel or a group; `public`: all others."""


@dataclass(frozen=True)
class Attachment:
    """A file beside a message; its content is fetched when it is wanted, never kept."""

    name: str
    media_type: str
    """As the platform says, such as `text/plain`; may be wrong or empty."""
    size: int
    """Bytes."""
    kind: AttachmentKind
    reference: object = None
    """What the platform needs to fetch it."""


@dataclass(frozen=True)
class Turn:
    """One message of a conversation."""

    author_id: str
    author_name: str
    """As people see it, such as `Ana`."""
    text: str
    """Plain Markdown: the platform's mark-up is resolved (a mention is `@Ana`, a channel `#tea`),
    and a mention of us at the beginning is left out."""
    at: datetime
    """When it was written, in UTC."""
    ours: bool = False
    """Whether we wrote it."""
    attachments: tuple[Attachment, ...] = ()
    message_id: str = ""
    """The platform's id, in the form of `AnswerLog.posted`."""


@dataclass(frozen=True)
class Place:
    """Where something is said."""

    platform: str
    """`slack` or `discord`."""
    tenant: str
    """Slack's team, Discord's guild; "" for a Discord DM."""
    channel: str
    """The channel's id; a Discord thread is a channel of its own."""
    thread: str = ""
    """The thread in it, as Slack's `thread_ts`; for a message in a Slack channel its own `ts`,
    since the answer opens that thread. On Discord: the thread's id again, "" outside threads."""
    kind: PlaceKind = "public"
    parent: str = ""
    """The channel that a Discord thread belongs to. Rules for it hold in its threads."""

    @property
    def id(self) -> str:
        """The same for all that is said in one thread, or in one channel outside threads."""
        return ":".join((self.platform, self.tenant, self.channel, self.thread))

    def conversation_of(self, author_id: str) -> str:
        """The conversation that a person has there.

        It is the thread or the DM; elsewhere each person has one, so that nobody waits for another.
        """
        shared = self.thread or self.kind == "dm"
        return self.id if shared else f"{self.id}{author_id}"

    def user(self, person_id: str) -> str:
        """A person as the gateway knows them, for quotas and usage."""
        return f"{self.platform}:{self.tenant}:{person_id}"


@dataclass(frozen=True)
class Question:
    """Something that may want an answer; `conversation.decision` says whether it does."""

    id: str
    """The same however often, and with whatever event id, the platform sends it: on Slack team,
    channel and `ts`, on Discord the message's or the interaction's snowflake."""
    place: Place
    turn: Turn
    event_ids: tuple[str, ...] = ()
    """Ids of the delivery, where the platform gives any, such as Slack's `event_id`."""
    asked_as: AskedAs = "message"
    options: Mapping[str, str] = field(default_factory=dict)
    """What a command asks besides its text; for `write`: `kind`, a key of `wording.KINDS`."""
    mentioned: bool = False
    """Whether it names us; a role or @everyone that includes us does not count."""
    replies_to_us: bool = False
    """Whether it is a reply to a message of ours."""
    in_our_thread: bool = False
    """Whether it stands in a thread that we opened or answered in, where the platform knows at
    once. The desk also knows the threads it has answered in."""
    from_bot: bool = False
    """Whether a program wrote it, another bot or a webhook."""
    from_us: bool = False
    roles: frozenset[str] = frozenset()
    """Ids of the author's roles."""
    attempt: int = 1
    """Counts the answers, as a person may ask for another one; set by the desk."""
    reference: object = None
    """What the platform needs to answer, such as an interaction; gone after a restart."""

    @property
    def conversation_id(self) -> str:
        """Answers with the same one are given one after the other, in the order asked."""
        return self.place.conversation_of(self.turn.author_id)

    @property
    def answer_id(self) -> str:
        """Names this attempt at an answer, for a message's metadata or nonce."""
        return f"{self.id}#{self.attempt}"


@dataclass(frozen=True)
class Asked:
    """What is remembered of a question: ids, no word of it."""

    id: str
    place: Place
    author_id: str
    asked_as: AskedAs
    attempt: int
    at: datetime
    """When it was received, in UTC."""
