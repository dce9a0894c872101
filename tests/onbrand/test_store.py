"""The store's commands, as a person types them."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from onbrand.cli.app import app
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from serving.store.database import STORE_URL
from serving.store.store import open_store
from serving.store.users import kept_name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(STORE_URL, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "brand.toml").write_text("[store]\nusage = true\nconversations = true\n")
    return tmp_path


def onbrand(folder: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(app, ["-w", str(folder), *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_key_is_printed_once_and_listed_without_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = onbrand(folder, "keys", "create", "the [bold]bot", "--per-minute", "30")
    secret = made.stdout.strip()
    assert re.fullmatch(r"ob_[\w-]{43}", secret)
    assert "only its hash is stored" in made.stderr
    onbrand(folder, "keys", "create", "prometheus", "--scope", "metrics")
    listed = onbrand(folder, "keys", "list").stdout
    assert "the [bold]bot" in listed
    assert secret not in listed
    monkeypatch.setenv("COLUMNS", "60")
    assert made.stderr.split()[1] in onbrand(folder, "keys", "list").stdout
    rows = json.loads(onbrand(folder, "keys", "list", "--json").stdout)
    assert {row["name"]: (row["scopes"], row["per_minute"]) for row in rows} == {
        "the [bold]bot": (["chat", "feedback"], 30),
        "prometheus": (["metrics"], None),
    }
    assert "is revoked" in onbrand(folder, "keys", "revoke", "prometheus").stderr
    rows = json.loads(onbrand(folder, "keys", "list", "--json").stdout)
    assert {row["name"]: row["revoked"] is None for row in rows} == {
        "the [bold]bot": True,
        "prometheus": False,
    }
    with pytest.raises(UsageError, match="There is no key prometheus in use"):
        onbrand(folder, "keys", "revoke", "prometheus")


def test_what_is_kept_of_a_person_is_shown_and_deleted(folder: Path) -> None:
    asyncio.run(talk(folder, kept_name("Ann Smith"), "It costs :dollar: 5 [b]net[/b], شکریہ"))
    shown = json.loads(onbrand(folder, "data", "export", "--user", "Ann Smith").stdout)
    assert shown["user"] == kept_name("Ann Smith")
    assert shown["conversations"][0]["answer"] == "It costs :dollar: 5 [b]net[/b], شکریہ"
    out = folder / "ann.json"
    onbrand(folder, "data", "export", "--user", "Ann Smith", "--out", str(out))
    assert json.loads(out.read_text()) == shown
    assert "شکریہ" in out.read_text()
    deleted = onbrand(folder, "data", "delete", "--user", "Ann Smith").stderr
    assert "usage 1, conversations 1, feedback 1" in deleted
    empty = json.loads(onbrand(folder, "data", "export", "--user", "Ann Smith").stdout)
    assert empty["conversations"] == empty["usage"] == empty["feedback"] == []


def test_nobody_is_deleted_by_an_empty_variable(folder: Path) -> None:
    for command in ("export", "delete"):
        with pytest.raises(UsageError, match="--user is empty"):
            onbrand(folder, "data", command, "--user", "")


def test_liked_answers_become_a_question_file(folder: Path) -> None:
    asyncio.run(talk(folder, "ann", "Yes."))
    out = folder / "liked.jsonl"
    said = onbrand(folder, "feedback", "export", str(out)).stderr
    assert said == f"1 answer in {out}; left out: none.\n"
    assert json.loads(out.read_text())["question"] == "Salt?"


def test_a_store_that_is_away_is_one_sentence_without_its_password(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STORE_URL, "postgresql://me:pass-word@127.0.0.1:1/db")
    with pytest.raises(OnbrandError, match="cannot be opened") as failed:
        onbrand(folder, "keys", "list")
    assert "pass-word" not in str(failed.value)


async def talk(folder: Path, user: str, answer: str) -> None:
    async with open_store(Workspace(folder)) as store:
        store.conversations.record(
            request_id="r",
            user=user,
            messages=[{"role": "user", "content": "Salt?"}],
            answer=answer,
        )
        store.usage.record(user=user, key_id="", model="m", prompt_tokens=1, completion_tokens=1)
        await store.journal.flush()
        await store.feedback.add(request_id="r", user=user, rating="up", text="")
