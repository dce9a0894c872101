"""Judged answers leave the store as a file that tuning reads."""

import json
from pathlib import Path

import pytest

from finetune.questions import QuestionAnswer, read_questions
from onbrand.workspace import Workspace
from serving.store.examples import export_examples
from serving.store.feedback import Rating
from serving.store.store import Store, open_store

pytestmark = pytest.mark.anyio


def ask(store: Store, request_id: str, *turns: tuple[str, str], user: str = "ann") -> None:
    messages = [{"role": role, "content": content} for role, content in turns]
    store.conversations.record(
        request_id=request_id, user=user, messages=messages, answer=f"Answer to {request_id}."
    )


async def judge(store: Store, request_id: str, rating: Rating = "up", user: str = "ann") -> None:
    await store.feedback.add(
        request_id=request_id, user=user, rating=rating, text=f"on {request_id}"
    )


async def test_liked_answers_are_a_question_file(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "liked.jsonl"
    async with open_store(workspace) as store:
        ask(store, "liked", ("user", "Have you salt?\nAnd “pepper”, ا؟"))
        ask(store, "disliked", ("user", "Have you tea?"))
        await store.journal.flush()
        await judge(store, "disliked", "down")
        await judge(store, "liked")
        outcome = await export_examples(store.feedback.judged(), path)
        assert (outcome.written, dict(outcome.left_out)) == (1, {"thumb down": 1})
        assert list(read_questions(path)) == [
            QuestionAnswer("liked.jsonl:1", "Have you salt?\nAnd “pepper”, ا؟", "Answer to liked.")
        ]
        outcome = await export_examples(store.feedback.judged(), path, disliked_too=True)
        assert (outcome.written, dict(outcome.left_out)) == (2, {})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["rating"] for line in lines] == ["down", "up"]
    assert lines[1]["comment"] == "on liked"


async def test_what_makes_no_example_is_counted_with_its_reason(
    workspace: Workspace, tmp_path: Path
) -> None:
    async with open_store(workspace) as store:
        ask(store, "follow-up", ("user", "Salt?"), ("assistant", "Yes."), ("user", "Pepper?"))
        ask(store, "instructed", ("system", "Speak French."), ("user", "Salt?"))
        ask(store, "empty", ("user", " "))
        ask(store, "of bob", ("user", "A secret?"), user="bob")
        await store.journal.flush()
        for request_id in ("follow-up", "instructed", "empty", "of bob", "unknown"):
            await judge(store, request_id)
        outcome = await export_examples(store.feedback.judged(), tmp_path / "none.jsonl")
    assert outcome.written == 0
    assert dict(outcome.left_out) == {
        "more than a single question": 2,
        "question or answer empty": 1,
        "conversation not recorded": 2,
    }
    assert (tmp_path / "none.jsonl").read_text() == ""


async def test_the_last_word_counts(workspace: Workspace, tmp_path: Path) -> None:
    async with open_store(workspace) as store:
        ask(store, "r", ("user", "Salt?"))
        await store.journal.flush()
        await judge(store, "r", "up")
        await judge(store, "r", "down")
        outcome = await export_examples(store.feedback.judged(), tmp_path / "x.jsonl")
        assert (outcome.written, outcome.left_out.total()) == (0, 1)
        await judge(store, "r", "up")
        outcome = await export_examples(store.feedback.judged(), tmp_path / "x.jsonl")
        assert (outcome.written, outcome.left_out.total()) == (1, 0)


async def test_more_opinions_than_are_read_at_once(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.store.feedback._AT_ONCE", 2)
    async with open_store(workspace) as store:
        for number in range(5):
            ask(store, f"r{number}", ("user", f"Question {number}?"))
        await store.journal.flush()
        for number in range(5):
            await judge(store, f"r{number}")
        await export_examples(store.feedback.judged(), tmp_path / "x.jsonl")
    assert [row.question for row in read_questions(tmp_path / "x.jsonl")] == [
        f"Question {number}?" for number in range(5)
    ]
