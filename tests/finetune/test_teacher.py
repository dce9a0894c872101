import email.utils
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from finetune import teacher as teaching
from finetune.brief_cache import append_briefs, read_briefs
from finetune.pieces import Piece
from finetune.teacher import FAILURES, PARALLEL, Wanted, ask_for_briefs
from onbrand.config import Teacher
from onbrand.errors import OnbrandError, UsageError
from onbrand.record import Record
from tests.finetune.teacher_server import Reply, RunningTeacher, running_teacher

KEY = "sk-very-secret-1234"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningTeacher]:
    monkeypatch.setenv("TEACHER_API_KEY", KEY)
    with running_teacher() as teacher:
        yield teacher


def wanted(count: int) -> list[Wanted]:
    texts = [f"Ahoy, shipmate number {n}! The keel is oiled, the tide is in." for n in range(count)]
    return [
        Wanted(Record(id=f"i-{n}", source="instagram", url="x:", text=text), Piece([], text))
        for n, text in enumerate(texts)
    ]


def ask(server: RunningTeacher, items: list[Wanted], path: Path, model: str = "big") -> None:
    ask_for_briefs(Teacher(url=server.url, model=model), items, path)


def test_every_piece_is_asked_for_once_and_kept(server: RunningTeacher, tmp_path: Path) -> None:
    items = wanted(12)
    server.reply = lambda text, count: Reply(f' "Write to\n{text[6:24]}" ', seconds=0.05)
    ask(server, items, tmp_path / "models" / "briefs.jsonl")
    kept = read_briefs(tmp_path / "models" / "briefs.jsonl")
    assert kept.keys() == {item.key("big") for item in items}
    assert kept[items[11].key("big")].brief == "Write to shipmate number 11"
    assert {row.record_id for row in kept.values()} == {f"i-{n}" for n in range(12)}
    assert len(server.asked) == 12
    assert server.most_at_once == PARALLEL
    assert server.asked[0].body.keys() == {"model", "messages"}
    assert server.asked[0].body["model"] == "big"
    assert {asked.key for asked in server.asked} == {f"Bearer {KEY}"}
    assert "an Instagram post" in server.asked[0].body["messages"][0]["content"]


def test_without_a_key_none_is_sent(
    server: RunningTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEACHER_API_KEY")
    ask(server, wanted(1), tmp_path / "briefs.jsonl")
    assert server.asked[0].key == ""


def test_a_thinking_models_thoughts_are_left_out(server: RunningTeacher, tmp_path: Path) -> None:
    server.reply = lambda text, count: Reply("<think>Hm. A brief?</think>\n\nWrite a greeting.")
    ask(server, wanted(1), tmp_path / "briefs.jsonl")
    [row] = read_briefs(tmp_path / "briefs.jsonl").values()
    assert (row.brief, row.reason) == ("Write a greeting.", "")


@pytest.mark.parametrize(
    ("brief", "reason"),
    [
        (None, "it is empty"),
        ("Write: the keel is oiled, the tide is in.", "it copies the text"),
        ("Write " * 60, "it has 60 words"),
    ],
)
def test_an_answer_that_cannot_be_used_is_set_aside(
    server: RunningTeacher, tmp_path: Path, brief: str | None, reason: str
) -> None:
    server.reply = lambda text, count: Reply(brief if "number 1!" in text else "Write a greeting.")
    items = wanted(3)
    ask(server, items, tmp_path / "briefs.jsonl")
    kept = read_briefs(tmp_path / "briefs.jsonl")
    assert reason in kept[items[1].key("big")].reason
    assert kept[items[1].key("big")].is_final
    assert not kept[items[0].key("big")].reason


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again_when_it_says(
    server: RunningTeacher, tmp_path: Path, status: int
) -> None:
    busy = Reply(status=status, headers={"Retry-After": "1"})
    server.reply = lambda text, count: busy if count == 1 else Reply()
    ask(server, wanted(1), tmp_path / "briefs.jsonl")
    first, second = server.asked
    assert 0.9 < second.at - first.at < 3
    assert [row.reason for row in read_briefs(tmp_path / "briefs.jsonl").values()] == [""]


def test_retry_after_may_be_a_date(server: RunningTeacher, tmp_path: Path) -> None:
    def reply(text: str, count: int) -> Reply:
        date = email.utils.formatdate(time.time() + 2, usegmt=True)
        return Reply(status=429, headers={"Retry-After": date}) if count == 1 else Reply()

    server.reply = reply
    ask(server, wanted(1), tmp_path / "briefs.jsonl")
    first, second = server.asked
    assert 0.5 < second.at - first.at < 4


def test_one_refused_text_stops_no_other_and_is_asked_for_again(
    server: RunningTeacher, tmp_path: Path
) -> None:
    server.reply = lambda text, count: (
        Reply(status=400, message="content filter") if "number 2!" in text else Reply()
    )
    items, path = wanted(8), tmp_path / "briefs.jsonl"
    ask(server, items, path)
    row = read_briefs(path)[items[2].key("big")]
    assert (row.reason, row.is_final) == ("status 400: content filter", False)
    server.reply = lambda text, count: Reply()
    ask(server, [items[2]], path)
    assert read_briefs(path)[items[2].key("big")].brief


def test_refused_texts_alone_end_no_later_run(server: RunningTeacher, tmp_path: Path) -> None:
    count = FAILURES + 2
    refused = [f"number {n}!" for n in range(0, 2 * count, 2)]
    server.reply = lambda text, _: (
        Reply(status=400, message="content filter")
        if any(words in text for words in refused)
        else Reply()
    )
    items, path = wanted(2 * count), tmp_path / "briefs.jsonl"
    for _ in range(3):
        kept = read_briefs(path)
        missing = [item for item in items if not (row := kept.get(item.key("big"))) or row.reason]
        ask(server, missing, path)
    assert len(server.asked) == 2 * count + count + count
    assert sum(row.is_final for row in read_briefs(path).values()) == count


def test_a_new_text_that_is_refused_ends_no_run_where_others_were_answered(
    server: RunningTeacher, tmp_path: Path
) -> None:
    items, path = wanted(2), tmp_path / "briefs.jsonl"
    ask(server, items[:1], path)
    server.reply = lambda text, count: Reply(status=400, message="content filter")
    ask(server, items[1:], path)
    assert read_briefs(path)[items[1].key("big")].reason == "status 400: content filter"
    for status in (400, 404):  # another model has answered nothing; 404 is about no text
        server.reply = lambda text, count, status=status: Reply(status=status)
        with pytest.raises(OnbrandError, match="gives no briefs"):
            ask(server, items[1:], path, "big" if status == 404 else "bigger")


def test_refused_texts_that_ended_a_run_do_not_end_the_next(
    server: RunningTeacher, tmp_path: Path
) -> None:
    count = 2 * FAILURES - 1
    items, path = wanted(count + 2), tmp_path / "briefs.jsonl"
    ask(server, items[-1:], path)
    server.reply = lambda text, _: (
        Reply() if f"number {count}!" in text else Reply(status=400, message="content filter")
    )
    with pytest.raises(OnbrandError, match="content filter"):
        ask(server, items[:FAILURES], path)
    ask(server, items[:-1], path)
    assert read_briefs(path)[items[count].key("big")].is_final


def test_a_server_that_refuses_everything_ends_the_run(
    server: RunningTeacher, tmp_path: Path
) -> None:
    server.reply = lambda text, count: Reply(
        status=404, message=f"The key {KEY} knows no model 'big'"
    )
    with pytest.raises(OnbrandError, match=r"gives no briefs.*knows no model 'big'") as refused:
        ask(server, wanted(100), tmp_path / "briefs.jsonl")
    assert KEY not in str(refused.value)
    assert len(server.asked) < FAILURES + 2 * PARALLEL
    assert not read_briefs(tmp_path / "briefs.jsonl")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_one_sentence_without_the_key(
    server: RunningTeacher, tmp_path: Path, status: int
) -> None:
    server.reply = lambda text, count: Reply(status=status, message=f"Incorrect key: {KEY}")
    with pytest.raises(OnbrandError, match=f"refuses the key in TEACHER_API_KEY.*{status}") as no:
        ask(server, wanted(50), tmp_path / "briefs.jsonl")
    assert KEY not in str(no.value)
    assert len(server.asked) <= 2 * PARALLEL


def test_an_unreachable_server_is_one_sentence_at_once(
    server: RunningTeacher, tmp_path: Path
) -> None:
    dead = Teacher(url="http://127.0.0.1:9/v1", model="big")
    started = time.monotonic()
    with pytest.raises(OnbrandError, match=r"http://127\.0\.0\.1:9/v1 cannot be reached"):
        ask_for_briefs(dead, wanted(3), tmp_path / "briefs.jsonl")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("url", "key", "sentence"),
    [
        ("http://-ä.example/v1", KEY, "url is no http"),
        ("http://127.0.0.1:9/v1", "sk-ß", "characters that no key has"),
    ],
)
def test_settings_that_cannot_be_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, key: str, sentence: str
) -> None:
    monkeypatch.setenv("TEACHER_API_KEY", key)
    with pytest.raises(UsageError, match=sentence) as wrong:
        ask_for_briefs(Teacher(url=url, model="big"), wanted(1), tmp_path / "briefs.jsonl")
    assert key not in str(wrong.value)


def test_a_server_that_never_answers_is_not_waited_for(
    server: RunningTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teaching, "_TIMEOUT", 0.2)
    server.reply = lambda text, count: Reply(seconds=1.0 if "number 0!" in text else 0.0)
    items, path = wanted(4), tmp_path / "briefs.jsonl"
    ask(server, items, path)
    assert read_briefs(path)[items[0].key("big")].reason == "ReadTimeout after 2 tries"


def test_an_answer_that_cannot_be_unpacked_ends_no_run(
    server: RunningTeacher, tmp_path: Path
) -> None:
    broken = {"Content-Encoding": "gzip"}
    server.reply = lambda text, _: Reply(headers=broken if "number 0!" in text else {})
    items, path = wanted(4), tmp_path / "briefs.jsonl"
    ask(server, items, path)
    assert read_briefs(path)[items[0].key("big")].reason == "DecodingError after 2 tries"


KILLED = """
import sys
from pathlib import Path
from tests.finetune.test_teacher import wanted
from finetune.teacher import ask_for_briefs
from onbrand.config import Teacher
ask_for_briefs(Teacher(url=sys.argv[1], model="big"), wanted(40), Path(sys.argv[2]))
"""


def test_a_killed_run_loses_no_answer(server: RunningTeacher, tmp_path: Path) -> None:
    server.reply = lambda text, count: Reply(seconds=0.1)
    path = tmp_path / "briefs.jsonl"
    command = [sys.executable, "-c", KILLED, server.url, str(path)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(read_briefs(path)) < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = read_briefs(path)
    assert len(server.asked) - len(kept) <= 2 * PARALLEL
    missing = [item for item in wanted(40) if item.key("big") not in kept]
    ask(server, missing, path)
    assert len(read_briefs(path)) == 40
    assert len({asked.text for asked in server.asked}) == 40


def test_a_line_cut_off_by_a_kill_spoils_no_other(server: RunningTeacher, tmp_path: Path) -> None:
    items, path = wanted(3), tmp_path / "briefs.jsonl"
    ask(server, items[:2], path)
    path.write_bytes(path.read_bytes()[:-20])
    assert len(read_briefs(path)) == 1
    ask(server, items[2:], path)
    assert len(read_briefs(path)) == 2
    append_briefs(path, [])
    assert len(read_briefs(path)) == 2


def test_another_model_is_asked_anew() -> None:
    [item] = wanted(1)
    assert item.key("big") != item.key("bigger")
