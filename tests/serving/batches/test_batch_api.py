"""Batches through OpenAI's own client, answered in the gateway's process."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from batch_gateway import Script, client_of, content_of, gateway, line, output, submit, wait
from openai import APIStatusError, NotFoundError, OpenAI

from onbrand.workspace import Workspace
from serving.batches.hand import Reply

REFUSED = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": "x"}}


@pytest.fixture
def on_either(either: Workspace, script: Script) -> Iterator[OpenAI]:
    with gateway(either, script) as client:
        yield client


def test_every_line_is_answered_once_in_the_order_of_the_file(
    on_either: OpenAI, script: Script
) -> None:
    script.reply = lambda body, before: (
        Reply(400, REFUSED)
        if body["messages"][0]["content"].endswith("7")
        else Reply(200, {"choices": [{"message": {"content": body["messages"][0]["content"]}}]})
    )
    script.pause = 0.01
    ids = [f"چائے {n}\0\ud800" if n == 5 else f"id-{n}" for n in range(30)]
    batch = submit(on_either, [line(one, f"say {n}") for n, one in enumerate(ids)])
    assert (batch.status, batch.metadata) == ("validating", {"for": "test"})
    done = wait(on_either, batch)
    assert done.status == "completed"
    assert done.request_counts is not None
    assert done.request_counts.to_dict() == {"total": 30, "completed": 27, "failed": 3}
    answers, errors = output(on_either, done.output_file_id), output(on_either, done.error_file_id)
    assert [one["custom_id"] for one in answers] == [one for one in ids if not one.endswith("7")]
    assert [content_of(one) for one in answers][:3] == ["say 0", "say 1", "say 2"]
    assert all(one["error"] is None and one["response"]["status_code"] == 200 for one in answers)
    assert [one["custom_id"] for one in errors] == ["id-7", "id-17", "id-27"]
    assert errors[0]["response"] == {
        "status_code": 400,
        "request_id": errors[0]["id"],
        "body": REFUSED,
    }
    assert set(script.asked.values()) == {1}
    assert 1 < script.most_at_once <= 3
    assert done.completed_at
    assert done.in_progress_at
    assert done.created_at <= done.in_progress_at <= done.completed_at
    assert done.expires_at == done.created_at + 24 * 3600


def test_files_come_back_as_they_were_and_go_when_told(on_either: OpenAI) -> None:
    content = bytes(range(256)) * 5000  # more than one piece, and no text
    name = 'ads "spring"\r\nX: y.jsonl'
    made = on_either.files.create(
        file=(name, content),
        purpose="batch",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    assert (made.bytes, made.purpose, made.object) == (len(content), "batch", "file")
    assert made.expires_at == made.created_at + 3600
    assert on_either.files.content(made.id).read() == content
    assert on_either.files.retrieve(made.id) == made
    assert [one.id for one in on_either.files.list(purpose="batch")] == [made.id]
    assert [one.id for one in on_either.files.list(purpose="batch_output")] == []
    assert on_either.files.delete(made.id).deleted
    with pytest.raises(NotFoundError, match="There is no file"):
        on_either.files.content(made.id)
    assert on_either.files.list().data == []


def test_lists_go_on_after_any_of_their_objects(client: OpenAI) -> None:
    batches = [submit(client, [line("a")]).id for _ in range(5)]
    assert [one.id for one in client.batches.list(limit=2)] == batches[::-1]
    assert [one.id for one in client.batches.list(after=batches[2])] == batches[1::-1]
    files = [one.id for one in client.files.list(order="asc", limit=2)]
    assert files == sorted(files)
    assert len(files) >= 5
    with pytest.raises(NotFoundError):
        client.batches.list(after="batch_elsewhere")


def test_nobody_sees_anothers(client: OpenAI) -> None:
    batch = wait(client, submit(client, [line("a")]))
    other = client_of(str(client.base_url).removesuffix("/v1/"), key="two")
    assert batch.output_file_id
    for look in (
        lambda: other.batches.retrieve(batch.id),
        lambda: other.batches.cancel(batch.id),
        lambda: other.files.retrieve(batch.input_file_id),
        lambda: other.files.content(batch.output_file_id or ""),
        lambda: other.files.delete(batch.input_file_id),
        lambda: other.batches.create(
            input_file_id=batch.input_file_id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
        ),
    ):
        with pytest.raises(NotFoundError):
            look()
    assert other.files.list().data == other.batches.list().data == []


def test_a_cancelled_batch_stops_at_once_and_keeps_what_is_done(
    on_either: OpenAI, script: Script
) -> None:
    script.reply = lambda body, before: Reply(200, {"choices": [{"message": {"content": "x"}}]})
    script.pause = 0.05
    batch = submit(on_either, [line(f"{n}") for n in range(500)])

    def some(now: Any) -> bool:
        return bool(now.request_counts.completed >= 5)

    wait(on_either, batch, some)
    script.pause = 60  # those asked from now on would take a minute
    time.sleep(0.3)
    cancelling = on_either.batches.cancel(batch.id)
    started = time.monotonic()
    assert cancelling.status in ("cancelling", "cancelled")
    done = wait(on_either, batch)
    assert done.status == "cancelled"
    while script.under_way:
        assert time.monotonic() - started < 2.5
        time.sleep(0.05)
    assert script.stopped == 3
    assert done.request_counts is not None
    assert done.request_counts.completed == len(output(on_either, done.output_file_id)) >= 5
    unasked = output(on_either, done.error_file_id)
    assert {one["error"]["code"] for one in unasked} == {"batch_cancelled"}
    assert len(unasked) + done.request_counts.completed == done.request_counts.total == 500
    asked = script.asked.total()
    time.sleep(0.7)
    assert script.asked.total() == asked
    assert on_either.batches.cancel(batch.id).status == "cancelled"


def test_one_that_is_over_cannot_be_cancelled(client: OpenAI) -> None:
    batch = wait(client, submit(client, [line("a")]))
    with pytest.raises(APIStatusError, match="is completed; only one under way") as refused:
        client.batches.cancel(batch.id)
    assert refused.value.status_code == 400


def test_a_gateway_without_room_is_asked_again_when_it_says(client: OpenAI, script: Script) -> None:
    times: list[float] = []

    def reply(body: dict[str, Any], before: int) -> Reply:
        times.append(time.monotonic())
        if len(times) <= 3:
            return Reply(503 if len(times) % 2 else 429, REFUSED, 2)
        return Reply(200, {})

    script.reply = reply
    done = wait(client, submit(client, [line(f"{n}") for n in range(20)]))
    assert done.request_counts is not None
    assert done.request_counts.completed == 20
    assert done.error_file_id is None
    assert times[3] - times[0] > 1.8
    assert len(times) == 23


def test_what_fails_is_tried_three_times(client: OpenAI, script: Script) -> None:
    def reply(body: dict[str, Any], before: int) -> Reply:
        match body["messages"][0]["content"]:
            case "say once" if before == 0:
                raise RuntimeError("secret-inside")
            case "say never":
                return Reply(502, REFUSED)
        return Reply(200, {})

    script.reply = reply
    done = wait(client, submit(client, [line("once"), line("never"), line("well")]))
    assert [one["custom_id"] for one in output(client, done.output_file_id)] == ["once", "well"]
    (failed,) = output(client, done.error_file_id)
    assert (failed["custom_id"], failed["response"]["status_code"]) == ("never", 502)
    assert script.asked == {"say once": 2, "say never": 3, "say well": 1}


def test_a_small_batch_does_not_wait_for_a_large_one(client: OpenAI, script: Script) -> None:
    script.pause = 0.05
    large = submit(client, [line(f"{n}") for n in range(600)])
    wait(client, large, lambda now: now.status == "in_progress")
    small = wait(client, submit(client, [line(f"small {n}") for n in range(10)]))
    assert small.status == "completed"
    assert client.batches.cancel(large.id).status == "cancelling"
