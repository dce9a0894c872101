from pathlib import Path

import pytest
from pydantic import BaseModel

from onbrand.errors import OnbrandError
from onbrand.json_lines import read_json_lines, write_json_lines


class Shell(BaseModel):
    name: str
    rings: int = 0


def read(path: Path, containing: str = "") -> list[Shell]:
    return list(read_json_lines(path, Shell, "a shell", "collect again", containing=containing))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    shells = [Shell(name="whelk\u2028", rings=3), Shell(name="Muschel ü")]
    write_json_lines(tmp_path / "shells.jsonl", shells)
    assert read(tmp_path / "shells.jsonl") == shells
    assert read(tmp_path / "shells.jsonl", "whelk") == shells[:1]
    assert [path.name for path in tmp_path.iterdir()] == ["shells.jsonl"]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "shells.jsonl"
    with pytest.raises(OnbrandError, match=r"shells\.jsonl is not there; collect again\.$"):
        read(path)
    path.write_text('{"name": "whelk"}\n{"rings": 3}\n')
    with pytest.raises(OnbrandError, match=r"line 2 is not a shell \(Field required\); collect"):
        read(path)
