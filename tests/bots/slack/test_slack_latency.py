"""Fifty conversations at once: how soon the bot acknowledges, shows life, and shows words."""

import time

import pytest
from fake_gateway import FakeGateway
from slack_process import bot_process
from slack_wire.server import SlackServer
from slack_wire.workspace import People, eventually
from slack_wire.world import Message

from onbrand.workspace import Workspace

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

CONVERSATIONS, ROUNDS = 50, 3
BUSY_MACHINE = 3
"""How much slower than this a machine may be that runs other tests as well."""


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


async def test_fifty_conversations_at_once(
    workspace: Workspace, slack: SlackServer, gateway: FakeGateway
) -> None:
    first_token: dict[str, float] = {}

    def words(said: str) -> list[str]:
        first_token[said] = time.monotonic() + gateway.pause
        return ["It ", "is ", "so ", f"that {said}."]

    gateway.pieces, gateway.pause = words, 0.1
    people = People(slack)
    for number in range(CONVERSATIONS):
        slack.world.add_channel(f"D{number}", "im")
        slack.world.names[f"U0{number}"] = f"Person {number}"
    said: list[tuple[Message, float]] = []
    async with bot_process(workspace.root, slack):
        for turn in range(ROUNDS):
            for number in range(CONVERSATIONS):
                now = time.monotonic()
                said.append(
                    (
                        await people.say(
                            f"D{number}", f"question {turn} {number}", user=f"U0{number}"
                        ),
                        now,
                    )
                )
            expected = (turn + 1) * CONVERSATIONS
            await eventually(lambda n=expected: ended(slack) >= n, 120)
    acks = [e.acked_after for e in slack.sockets.envelopes if e.acked_after is not None]
    life, words_after = [], []
    for message, sent in said:
        statuses = [c.at for c in slack.called("assistant.threads.setStatus") if about(c, message)]
        life.append(min(statuses) - sent)
        starts = [c.at for c in slack.calls if c.method in TEXT and about(c, message)]
        words_after.append(min(starts) - first_token[message.text])
    figures = {
        "ack, p99": (percentile(acks, 0.99), 0.1),
        "first sign of life, most": (max(life), 1.0),
        "first word, p95": (percentile(words_after, 0.95), 0.3),
    }
    for name, (seconds, limit) in figures.items():
        print(f"{name}: {seconds * 1000:.0f} ms (limit {limit * 1000:.0f} ms)")
        assert seconds < limit * BUSY_MACHINE, name
    assert len(acks) >= len(said)


TEXT = ("chat.startStream", "chat.postMessage")


def about(call: object, message: Message) -> bool:
    args = call.args  # type: ignore[attr-defined]
    place = (args.get("channel") or args.get("channel_id"), args.get("thread_ts"))
    return place == (message.channel, message.ts)


def ended(slack: SlackServer) -> int:
    every = (message for messages in slack.world.messages.values() for message in messages)
    marks = [m.metadata["event_payload"] for m in every if m.ours and m.metadata]
    return sum(mark["last"] for mark in marks)
