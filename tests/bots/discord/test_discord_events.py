"""What people do in Discord, as questions: simcord drives the real client in memory."""

from dataclasses import dataclass, field

import discord
import pytest
import simcord

from bots.conversation import wording
from bots.discord.client import OnbrandClient
from bots.platform import Ending, Final, Rating, Receipt
from bots.question import Place, Question
from onbrand.config import BrandConfig
from onbrand.errors import OnbrandError

pytestmark = pytest.mark.anyio


@dataclass
class Recorder:
    """A desk that writes down what it is handed; to commands it answers at once."""

    sentence: str = ""
    questions: list[Question] = field(default_factory=list)
    changes: list[Question] = field(default_factory=list)
    deletions: list[str] = field(default_factory=list)
    presses: list[tuple[str, str, str]] = field(default_factory=list)
    ratings: list[tuple[str, str, str]] = field(default_factory=list)
    posts: list[tuple[str, int]] = field(default_factory=list)
    client: OnbrandClient | None = None

    async def receive(self, question: Question) -> Receipt:
        self.questions.append(question)
        if question.asked_as != "message" and not self.sentence:
            await self.answer(question)
        return Receipt(not self.sentence, "recorded", self.sentence)

    async def answer(self, question: Question) -> None:
        assert self.client is not None
        surface = self.client.platform.surface(question, self)
        await surface.begin()
        await surface.finish(Final("The answer.", Ending.COMPLETE, may_rate=True))

    async def posted(self, message_id: str, characters: int) -> None:
        self.posts.append((message_id, characters))

    def stopped(self) -> None:
        raise AssertionError("nobody stopped it")

    async def edited(self, question: Question) -> None:
        self.changes.append(question)

    async def deleted(self, question_id: str) -> None:
        self.deletions.append(question_id)

    async def stop(self, question_id: str, by: str) -> Receipt:
        self.presses.append(("stop", question_id, by))
        return Receipt(False, "another person asked", "Only the person who asked can stop this.")

    async def retry(self, question_id: str, by: str) -> Receipt:
        self.presses.append(("retry", question_id, by))
        return Receipt(True, "again")

    async def feedback(self, message_id: str, by: str, rating: Rating) -> Receipt:
        self.ratings.append((message_id, by, rating))
        return Receipt(True, "kept")


def client_of(desk: Recorder, **settings: object) -> OnbrandClient:
    config = BrandConfig.model_validate(
        {"brand": {"name": "Saltmarsh & Sons"}, "discord": settings}
    )
    desk.client = OnbrandClient(desk, config)
    return desk.client


async def test_mark_up_becomes_names_and_places_know_who_may_see_them() -> None:
    desk = Recorder()
    client = client_of(desk)
    async with simcord.run(client) as env:
        guild = env.create_guild()
        staff = guild.create_role("Staff")
        tea = guild.create_text_channel("tea")
        closed = guild.create_text_channel(
            "closed",
            overwrites={
                guild.default_role: discord.PermissionOverwrite(view_channel=False),
                staff: discord.PermissionOverwrite(view_channel=True),
                env.bot.user: discord.PermissionOverwrite(view_channel=True),
            },
        )
        ana = guild.add_member(env.create_user("ana"), roles=[staff], nick="Ana")
        ben = guild.add_member(env.create_user("ben"))
        me = env.bot.user.mention
        await ana.send(
            tea,
            f"{me}, ask <@{ben.id}> and <@&{staff.id}> in <#{tea.id}> "
            f"<:leaf:123456789012345678> at <t:1700000000:R> or {me} </onbrand ask:1234567890>",
        )
        await ana.send(closed, "among us")
        await ana.send_dm("in private")
    first, second, third = desk.questions
    assert first.turn.text == (
        "ask @ben and @Staff in #tea :leaf: at 2023-11-14 22:13 UTC "
        f"or @{env.bot.user.display_name} /onbrand ask"
    )
    assert first.mentioned
    assert first.turn.author_name == "Ana"
    assert first.roles == {str(staff.id)}
    assert first.place == Place("discord", str(guild.id), str(tea.id), kind="public")
    assert (second.place.kind, second.mentioned) == ("private", False)
    assert (third.place.kind, third.place.tenant) == ("dm", "")


async def test_replies_and_threads_of_ours_are_told_apart() -> None:
    desk = Recorder()
    client = client_of(desk)
    async with simcord.run(client) as env:
        guild = env.create_guild()
        tea = guild.create_text_channel("tea")
        ana = guild.add_member(env.create_user("ana"))
        asked = await ana.send(tea, f"{env.bot.user.mention} hello")
        await desk.answer(desk.questions[0])
        ours = tea.last_message
        await ana.send(tea, "and then?", reply_to=ours)
        await ana.send(tea, "to myself", reply_to=asked)
        thread = (
            await client.get_channel(tea.id)
            .get_partial_message(asked.id)
            .create_thread(name="Hello")
        )
        await env.settle()
        handle = next(each for each in tea.threads if each.id == thread.id)
        await ana.send(handle, "in the thread")
    by_text = {each.turn.text: each for each in desk.questions if not each.from_us}
    assert by_text["and then?"].replies_to_us
    assert not by_text["to myself"].replies_to_us
    inside = by_text["in the thread"]
    assert inside.in_our_thread
    assert inside.place.thread == inside.place.channel == str(thread.id)
    assert inside.place.parent == str(tea.id)


async def test_changes_deletions_thumbs_and_buttons_reach_the_desk() -> None:
    desk = Recorder()
    client = client_of(desk)
    async with simcord.run(client) as env:
        guild = env.create_guild()
        tea = guild.create_text_channel("tea")
        ana = guild.add_member(env.create_user("ana"))
        asked = await ana.send(tea, f"{env.bot.user.mention} helo")
        question = desk.questions[0]
        surface = client.platform.surface(question, desk)
        surface.show("So far")
        await env.settle()
        shown = tea.last_message
        assert shown.content == "So far"
        press = await ana.click(shown, label="Stop")
        await surface.finish(Final("So far", Ending.FAILED, "It broke.", may_retry=True))
        await ana.click(shown, label="Try again")
        await ana.react(shown, "👍")
        await ana.edit(asked, f"{env.bot.user.mention} hello")
        await ana.delete(asked)
        assert tea.last_message.content == "So far\n-# It broke."
    assert [each[0] for each in desk.presses] == ["stop", "retry"]
    assert {each[1:] for each in desk.presses} == {(str(asked.id), str(ana.id))}
    assert press.followups[0].content == "Only the person who asked can stop this."
    assert desk.ratings == [(f"{tea.id}/{shown.id}", str(ana.id), "up")]
    assert [each.turn.text for each in desk.changes] == ["hello"]
    assert desk.deletions == [str(asked.id)]
    assert [each[1] for each in desk.posts] == [len("So far")]


async def test_commands_are_questions_and_their_response_is_the_answer() -> None:
    desk = Recorder()
    client = client_of(desk)
    async with simcord.run(client) as env:
        guild = env.create_guild()
        tea = guild.create_text_channel("tea")
        ana = guild.add_member(env.create_user("ana"))
        asked = await ana.slash(tea, "onbrand ask", question="  What is chai? ")
        reactions = tea.last_message.reactions
        await ana.slash(tea, "onbrand write", about="spring", kind="facebook")
        await ana.slash(tea, "onbrand write", about="spring", kind="a poem")
        draft = await ana.send(tea, "our tea is good")
        await ana.context_menu(tea, "Rewrite in our voice", draft)
        helped = await ana.slash(tea, "onbrand help")
        kinds = await ana.autocomplete(tea, "onbrand write", "kind", "face")
        desk.sentence = "I may not answer you here."
        refused = await ana.slash(tea, "onbrand voice", text="hello")
    asks = [each for each in desk.questions if each.asked_as != "message"]
    assert [(e.asked_as, e.turn.text, dict(e.options)) for e in asks] == [
        ("ask", "What is chai?", {}),
        ("write", "spring", {"kind": "facebook"}),
        ("write", "a poem: spring", {"kind": ""}),
        ("rewrite", "our tea is good", {}),
        ("voice", "hello", {}),
    ]
    assert asked.response.content == "The answer."
    assert [str(each.emoji) for each in reactions] == ["👍", "👎"]
    assert helped.ephemeral
    assert "Saltmarsh & Sons" in helped.response.content
    assert [each["value"] for each in kinds] == ["facebook"]
    assert refused.response.content == "I may not answer you here."


async def test_a_fault_of_ours_leaves_nobody_with_a_command_that_thinks() -> None:
    class Broken(Recorder):
        async def receive(self, question: Question) -> Receipt:
            raise OnbrandError("The ledger cannot be used.")

    desk = Broken()
    client = client_of(desk)
    async with simcord.run(client, check_errors=False) as env:
        guild = env.create_guild()
        tea = guild.create_text_channel("tea")
        ana = guild.add_member(env.create_user("ana"))
        asked = await ana.slash(tea, "onbrand ask", question="hello")
    assert asked.response.content == wording.FAULT


async def test_without_the_content_intent_the_bot_asks_for_no_more_than_it_may() -> None:
    desk = Recorder()
    client = client_of(desk, message_content=False)
    async with simcord.run(client, approved_intents=discord.Intents.none()) as env:
        guild = env.create_guild()
        tea = guild.create_text_channel("tea")
        ana = guild.add_member(env.create_user("ana"))
        await ana.send(tea, f"{env.bot.user.mention} hello")
    assert desk.questions[0].turn.text == "hello"
