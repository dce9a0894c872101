"""Secrets come from the environment, or from files it names; never does one show in an error."""

from pathlib import Path

import pytest

from onbrand.errors import UsageError
from onbrand.secrets import secret

NAME = "ONBRAND_TEST_SECRET"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "secret"
    monkeypatch.setenv(f"{NAME}_FILE", str(path))
    return path


def test_nothing_given_is_empty() -> None:
    assert secret(NAME) == ""


def test_a_file_is_read_without_its_line_end(file: Path) -> None:
    file.write_text("postgresql://u:p@db/x\n")
    assert secret(NAME) == "postgresql://u:p@db/x"


def test_the_variable_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("from the file")
    monkeypatch.setenv(NAME, "from the variable")
    assert secret(NAME) == "from the variable"


@pytest.mark.parametrize("content", [None, b"\xff\xfe-hidden"])
def test_a_file_that_cannot_be_read_is_named(file: Path, content: bytes | None) -> None:
    if content:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=f"{file}, which {NAME}_FILE names") as caught:
        secret(NAME)
    assert "hidden" not in str(caught.value)
