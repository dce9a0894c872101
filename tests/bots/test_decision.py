"""Whether a message is answered."""

from dataclasses import replace
from typing import Any

import pytest
from fake_platform import DM, question

from bots.conversation.decision import Rules, decide, is_stop, rules_for
from bots.question import Attachment, Place
from onbrand.config import BrandConfig

CHANNEL = Place("slack", "T1", "C1", kind="public")
THREAD = replace(CHANNEL, thread="17.1")


def decided(place: Place, rules: Rules | None = None, **changes: Any) -> tuple[bool, str]:
    asked = replace(question(place=place), **changes)
    decision = decide(asked, rules or Rules())
    return decision.answer, decision.reason


@pytest.mark.parametrize(
    ("place", "changes", "answer", "reason"),
    [
        (DM, {}, True, "direct message"),
        (CHANNEL, {}, False, "not said to us"),
        (CHANNEL, {"mentioned": True}, True, "mentions"),
        (CHANNEL, {"replies_to_us": True}, True, "replies"),
        (THREAD, {"in_our_thread": True}, True, "our thread"),
        (DM, {"from_us": True}, False, "we wrote it"),
        (DM, {"from_bot": True}, False, "a bot wrote it"),
        (CHANNEL, {"from_bot": True, "mentioned": True}, False, "a bot wrote it"),
        (CHANNEL, {"asked_as": "ask"}, True, "command"),
    ],
)
def test_without_rules(place: Place, changes: dict[str, Any], answer: bool, reason: str) -> None:
    found, why = decided(place, **changes)
    assert found is answer
    assert reason in why


@pytest.mark.parametrize("in_our_thread", [True, False])
def test_people_may_speak_to_one_another_in_our_thread(in_our_thread: bool) -> None:
    turn = replace(question().turn, text="@Ben what do you think?")
    answer, reason = decided(THREAD, turn=turn, in_our_thread=in_our_thread)
    assert not answer
    assert "another person" in reason
    assert decided(THREAD, turn=turn, in_our_thread=in_our_thread, mentioned=True)[0]
    assert decided(THREAD, turn=turn, replies_to_us=True)[0]


def test_a_thread_that_may_be_ours_is_looked_up() -> None:
    assert decide(question(place=THREAD), Rules()).if_we_spoke_there
    assert not decide(replace(question(place=THREAD), mentioned=True), Rules()).if_we_spoke_there


@pytest.mark.parametrize(
    ("rules", "place", "changes", "answer"),
    [
        (Rules(channels=["C1"]), CHANNEL, {"mentioned": True}, True),
        (Rules(channels=["C2"]), CHANNEL, {"mentioned": True}, False),
        (Rules(channels=["C2"]), replace(CHANNEL, parent="C2"), {"mentioned": True}, True),
        (Rules(channels=["C2"]), DM, {}, True),
        (Rules(direct_messages=False), DM, {}, False),
        (Rules(users=["U2"]), DM, {}, False),
        (Rules(users=["U1"]), DM, {}, True),
        (Rules(users=["U2"]), CHANNEL, {"asked_as": "ask"}, False),
        (Rules(roles=["R1"]), CHANNEL, {"mentioned": True}, False),
        (
            Rules(roles=["R1"]),
            CHANNEL,
            {"mentioned": True, "roles": frozenset({"R1", "R2"})},
            True,
        ),
        (Rules(roles=["R1"]), DM, {}, True),
        (Rules(allow_bots=True), CHANNEL, {"from_bot": True, "mentioned": True}, True),
        # Two bots that answer each other's replies would never end.
        (Rules(allow_bots=True), CHANNEL, {"from_bot": True, "replies_to_us": True}, False),
        (Rules(allow_bots=True), DM, {"from_us": True}, False),
    ],
)
def test_rules(rules: Rules, place: Place, changes: dict[str, Any], answer: bool) -> None:
    assert decided(place, rules, **changes)[0] is answer


def test_a_message_that_says_nothing() -> None:
    empty = replace(question().turn, text=" ")
    assert not decided(DM, turn=empty)[0]
    assert decided(CHANNEL, turn=empty, mentioned=True)[0]
    picture = Attachment("tea.png", "image/png", 9, "image")
    assert decided(DM, turn=replace(empty, attachments=(picture,)))[0]


def test_the_rules_of_a_place() -> None:
    config = BrandConfig.model_validate(
        {
            "slack": {"channels": ["C1"], "personas": {"C1": "Be brief."}},
            "discord": {
                "users": ["1"],
                "roles": ["7"],
                "guilds": {"99": {"roles": [], "personas": {"5": "Be bold."}}},
            },
        }
    )
    slack = rules_for(config, CHANNEL)
    assert slack.channels == ["C1"]
    assert slack.persona(CHANNEL) == "Be brief."
    assert rules_for(config, Place("discord", "", "8", kind="dm")).roles == ["7"]
    guild = rules_for(config, Place("discord", "99", "6", parent="5"))
    assert (guild.users, guild.roles) == (["1"], [])
    assert guild.persona(Place("discord", "99", "6", parent="5")) == "Be bold."
    assert guild.persona(Place("discord", "99", "6")) == ""


@pytest.mark.parametrize("text", ["stop", "Stop!", " STOP. ", "please stop", "stop it"])
def test_a_bare_stop(text: str) -> None:
    assert is_stop(text)


@pytest.mark.parametrize("text", ["", "stop sign", "Where is the bus stop?", "don't stop"])
def test_more_than_a_bare_stop(text: str) -> None:
    assert not is_stop(text)
