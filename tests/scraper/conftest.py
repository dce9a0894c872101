"""Workspaces and raw items for the scraper's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from onbrand.record import Record, record_id
from onbrand.workspace import Workspace
from tests.scraper.dataset_hub import Hub, running_hub
from tests.scraper.raw_folder import TOML, write_raw_folder
from tests.scraper.website.site import Site, serve

MakeWorkspace = Callable[[str], Workspace]


@pytest.fixture
def make_workspace(tmp_path: Path) -> MakeWorkspace:
    def make(toml: str) -> Workspace:
        (tmp_path / "brand.toml").write_text(toml, encoding="utf-8")
        return Workspace(tmp_path)

    return make


@pytest.fixture
def filled(make_workspace: MakeWorkspace) -> Workspace:
    """A workspace with a raw folder that has every flaw, not yet built."""
    workspace = make_workspace(TOML)
    write_raw_folder(workspace)
    return workspace


@pytest.fixture
def make_record() -> Callable[..., Record]:
    def make(text: str, name: str = "", **fields: object) -> Record:
        source = fields.pop("source", "file")
        url = fields.pop("url", f"file:{name or text[:40]}")
        identifier = record_id(source, str(url))
        values = {"id": identifier, "source": source, "url": url, "text": text, **fields}
        return Record.model_validate(values)

    return make


@pytest.fixture
def site() -> Iterator[Site]:
    """A small site on loopback, to be filled with pages."""
    with Site() as site:
        serve(site)
        yield site
        site.shutdown()


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub
