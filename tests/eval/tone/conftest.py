import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from eval.texts import Text
from tests.eval.real_texts import agency, halves, sample

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Voices:
    """One brand's texts, cut in half: some to learn from, others to judge."""

    train: list[Text]
    """Second halves."""
    first: list[Text]
    real: list[Text]
    base: list[Text]
    """What SmolLM2-135M-Instruct wrote after the same first halves: temperature 0.8, top-p 0.95."""


@pytest.fixture(scope="session")
def voices() -> Voices:
    """The demo brand's posts."""
    lines = (HERE / "saltmarsh_continued.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    held_out = rows[::3]
    return Voices(
        train=[Text(r["id"], r["id"], r["second_half"]) for r in rows if r not in held_out],
        first=[Text(r["id"], r["id"], r["first_half"]) for r in held_out],
        real=[Text(r["id"], r["id"], r["second_half"]) for r in held_out],
        base=[Text(r["id"], r["id"], r["base"]) for r in held_out],
    )


@pytest.fixture(scope="session")
def plain() -> Voices:
    """A government agency's paragraphs, read where they lie; only where they were cut is kept."""
    lines = (HERE / "agency_continued.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    texts = {text.id: text for text in agency()}
    held_out = {texts[row["id"]].group for row in rows}
    train = [text for text in agency() if text.group not in held_out]

    def part(row: dict[str, Any], text: str) -> Text:
        return Text(row["id"], texts[row["id"]].group, text)

    return Voices(
        train=[Text(t.id, t.group, halves(t.text)[1]) for t in sample(train, 400, seed=1)],
        first=[part(row, texts[row["id"]].text[: row["cut"]]) for row in rows],
        real=[part(row, texts[row["id"]].text[row["cut"] : row["end"]]) for row in rows],
        base=[part(row, row["base"]) for row in rows],
    )
