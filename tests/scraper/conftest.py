"""Workspaces and raw items for the scraper's tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from onbrand.record import Record, record_id
from onbrand.workspace import Workspace

MakeWorkspace = Callable[[str], Workspace]


@pytest.fixture
def make_workspace(tmp_path: Path) -> MakeWorkspace:
    def make(toml: str) -> Workspace:
        (tmp_path / "brand.toml").write_text(toml, encoding="utf-8")
        return Workspace(tmp_path)

    return make


@pytest.fixture
def make_record() -> Callable[..., Record]:
    def make(text: str, name: str = "", **fields: object) -> Record:
        source = fields.pop("source", "file")
        url = fields.pop("url", f"file:{name or text[:40]}")
        identifier = record_id(source, str(url))
        values = {"id": identifier, "source": source, "url": url, "text": text, **fields}
        return Record.model_validate(values)

    return make
