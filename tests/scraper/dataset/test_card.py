"""The card: valid for the hub, and it gives nothing away."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from huggingface_hub import DatasetCard, DatasetCardData

from onbrand.artifact import read_manifest
from onbrand.config import BrandConfig
from onbrand.record import Record
from onbrand.workspace import Workspace
from scraper.build import build
from scraper.dataset.card import card
from scraper.dataset.statistics import describe
from scraper.dataset.table import COLUMNS
from tests.scraper.raw_folder import TOML, write_raw_folder

MakeWorkspace = Callable[[str], Workspace]


@pytest.fixture
def workspace(make_workspace: MakeWorkspace) -> Workspace:
    workspace = make_workspace('[brand]\nname = "Saltmarsh & Daughters"\n' + TOML)
    write_raw_folder(workspace)
    build(workspace)
    return workspace


@pytest.fixture
def text(workspace: Workspace) -> str:
    return (workspace.dataset / "README.md").read_text(encoding="utf-8")


def test_the_header_is_what_the_hub_knows(text: str) -> None:
    data = DatasetCard(text, ignore_metadata_errors=False).data
    assert isinstance(data, DatasetCardData)
    assert data.license == "other"
    assert data.task_categories == ["text-generation"]
    assert data.size_categories == ["n<1K"]
    assert data.pretty_name == "What Saltmarsh & Daughters says in public"
    header = yaml.safe_load(text.split("---\n")[1])
    assert set(header) == {
        "language", "license", "license_name", "pretty_name", "size_categories", "task_categories",
        "tags",
    }  # fmt: skip


def test_languages_are_listed_and_the_unsure_are_none(
    workspace: Workspace, make_record: Callable[..., Record]
) -> None:
    made = read_manifest(workspace.dataset)
    assert made is not None
    tags = ["ur-Latn", "en", ""]
    records = [make_record(f"text {n}", language=tag) for n, tag in enumerate(tags)]
    splits = {"train": records, "validation": [], "test": []}
    written = card(describe(splits, []), BrandConfig(), made)
    assert DatasetCard(written).data.to_dict()["language"] == ["en", "ur"]
    assert "\nen 1, not sure 1, ur-Latn 1.\n" in written


def test_it_tells_where_from_how_many_how_split_and_whose(text: str, workspace: Workspace) -> None:
    made = read_manifest(workspace.dataset)
    assert made is not None
    for section in ("Where the texts come from", "What was done to them", "Languages", "Splits",
                    "Columns", "Personal data", "Licence", "How it was made"):  # fmt: skip
        assert f"\n## {section}\n" in text
    assert "| website | 6 | 6 |" in text
    assert "| instagram | 46 | 41 |" in text
    assert "Hosts: brand.example (6)." in text
    assert "The texts remain Saltmarsh & Daughters's" in text
    assert f"SHA-256 over the records: `{made.output_hash}`" in text
    assert all(f"{name} {version}" in text for name, version in made.versions.items())
    assert all(f"| `{column}` |" in text for column in COLUMNS)


def test_it_holds_no_secret_and_no_folder_of_this_machine(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_verySecret")
    monkeypatch.setenv("APIFY_TOKEN", "apify_verySecret")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    workspace = make_workspace(f'[files]\npaths = ["{elsewhere}"]\n')
    write_raw_folder(workspace)
    build(workspace)
    for name in ("README.md", "statistics.json"):
        written = (workspace.dataset / name).read_text(encoding="utf-8")
        assert "verySecret" not in written
        assert str(tmp_path) not in written
        assert os.path.expanduser("~") not in written


@pytest.mark.parametrize(
    "name", ["A: b\n- c", "<script>alert(1)</script>", "a | b `c` *d*", "", "---"]
)
def test_a_brand_may_be_called_anything(name: str, workspace: Workspace) -> None:
    made = read_manifest(workspace.dataset)
    assert made is not None
    config = BrandConfig.model_validate({"brand": {"name": name}})
    written = card(describe({"train": [], "validation": [], "test": []}, []), config, made)
    data = DatasetCard(written, ignore_metadata_errors=False).data
    assert (
        data.to_dict()["pretty_name"].split()
        == f"What {name or 'the brand'} says in public".split()
    )
    assert "<script>" not in written.split("\n---\n", 1)[1]


def test_a_split_by_time_says_so(make_workspace: MakeWorkspace, workspace: Workspace) -> None:
    made = read_manifest(workspace.dataset)
    assert made is not None
    config = BrandConfig.model_validate({"dataset": {"split": "newest"}})
    written = card(describe({"train": [], "validation": [], "test": []}, []), config, made)
    assert "Test holds the newest texts" in written
    assert "drawn from the seed" not in written


@pytest.mark.parametrize("contact", ["mask", "remove", "keep"])
@pytest.mark.parametrize("streets", [True, False])
def test_street_addresses_are_named_where_they_are_looked_for(
    contact: str, streets: bool, workspace: Workspace
) -> None:
    made = read_manifest(workspace.dataset)
    assert made is not None
    config = BrandConfig.model_validate(
        {"clean": {"contact": contact, "street_addresses": streets}}
    )
    written = card(describe({"train": [], "validation": [], "test": []}, []), config, made)
    done, personal = (
        written.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
        for section in ("What was done to them", "Personal data")
    )
    kinds = "Phone numbers, e-mail addresses and street addresses"
    for part in (done, personal):
        assert (kinds in part) == streets
        assert ("Phone numbers and e-mail addresses" in part) == (not streets)
    assert ("[address]" in done) == (streets and contact == "mask")
