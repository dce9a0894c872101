"""A real brand's exports and pages, from `scrape` to the data set."""

import itertools
import json
import re
from collections import Counter

import pytest

from onbrand.artifact import Manifest
from onbrand.record import Record, read_records
from onbrand.workspace import Workspace
from scraper.build import build
from scraper.clean.rejected import Rejected
from scraper.scrape import scrape
from tests.conftest import SHARED_DATA, needs_shared_data

TAPAL = SHARED_DATA / "tapal"
ACCOUNTS = {"tapalofficial", "tapalgreentea", "tapalfamilymixture"}
TOML = f"""
[social]
facebook_exports = ["{TAPAL}/facebook-posts-scraper.json"]
instagram_exports = ["{TAPAL}/instagram-scraper.json"]
accounts = {json.dumps(sorted(ACCOUNTS))}
[files]
paths = ["{TAPAL}/site/files", "{TAPAL}/site/cleaned_files"]
[clean]
phone_region = "PK"
"""

pytestmark = needs_shared_data


@pytest.fixture(scope="module")
def tapal(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("tapal")
    (root / "brand.toml").write_text(TOML, encoding="utf-8")
    workspace = Workspace(root)
    scrape(workspace)
    build(workspace)
    return workspace


@pytest.fixture(scope="module")
def manifest(tapal: Workspace) -> Manifest:
    return build(tapal).manifest


@pytest.fixture(scope="module")
def records(tapal: Workspace) -> list[Record]:
    return list(read_records(tapal.clean / "records.jsonl"))


@pytest.fixture(scope="module")
def rejected(tapal: Workspace) -> list[Rejected]:
    lines = (tapal.clean / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    return [Rejected.model_validate_json(line) for line in lines]


def test_everything_that_came_in_is_kept_or_rejected(
    manifest: Manifest, records: list[Record], rejected: list[Rejected]
) -> None:
    counts = manifest.counts
    assert counts["in.facebook"] == 200
    assert counts["in.instagram"] == 783
    texts = len([*TAPAL.glob("site/files/*.txt"), *TAPAL.glob("site/cleaned_files/*.txt")])
    assert counts["in.file"] == texts
    assert len(records) + len(rejected) == 983 + texts
    steps = Counter(item.step for item in rejected)
    assert {f"dropped.{step}": count for step, count in steps.items()} == {
        name: count for name, count in counts.items() if name.startswith("dropped.")
    }
    assert steps["no-text"] == 29 + 8
    assert 650 < len(records) < 750


def test_the_other_accounts_posts_are_gone(records: list[Record], rejected: list[Rejected]) -> None:
    others = [item for item in rejected if item.step == "other-account"]
    assert len(others) == 37
    assert not {item.record.author for item in others} & ACCOUNTS
    assert {record.author for record in records} == ACCOUNTS | {""}


def test_years_survive_and_page_furniture_goes(
    tapal: Workspace, records: list[Record], rejected: list[Rejected]
) -> None:
    (tezdum,) = [r for r in records if r.url.endswith("/files/filesbrands_tapal-tezdum_.txt")]
    assert tezdum.title == "Tapal Tezdum"
    assert "was launched in 2003 and it soon became" in tezdum.text
    assert "re-launched again in 2014" in tezdum.text
    in_files = [r for r in records if "/site/files/" in r.url]
    assert len(in_files) >= 8
    for record in in_files:
        for furniture in ("info@tapaltea.com", "Raiwind"):
            assert furniture not in record.text
    for record in records:
        if record.source == "file":
            for furniture in ("All Rights Reserved", "AQMS Tech"):
                assert furniture not in record.text
    (about,) = [r for r in records if r.url.endswith("/filesabout-us_.txt")]
    for year in ("1947", "1977", "1988", "2000", "2003"):
        assert year in about.text


def test_contact_data_is_masked_everywhere(records: list[Record], rejected: list[Rejected]) -> None:
    texts = [record.text for record in records] + [item.record.text for item in rejected]
    everything = "\n".join(texts)
    for number in ("35063891", "35398061", "DANEDAR (3263327)"):
        assert number not in everything
    assert "info@tapaltea.com" not in everything
    assert "Phone: [phone] (4 Lines)" in everything


def test_nothing_of_a_commenter_is_in_raw(tapal: Workspace) -> None:
    export = (TAPAL / "instagram-scraper.json").read_text(encoding="utf-8")
    assert "words, withheld" in export
    for path in tapal.raw.glob("*.jsonl"):
        text = path.read_text(encoding="utf-8")
        assert "withheld" not in text
        assert "latestComments" not in text
        assert not re.search(r"\buser_\d{4}\b", text)


@pytest.mark.parametrize("tokens", [r"\w+", r"\S+"])
def test_no_near_duplicate_crosses_a_split(tapal: Workspace, tokens: str) -> None:
    """Brute force over all pairs, with code that shares nothing with the build's."""
    import datasets

    splits = datasets.load_from_disk(str(tapal.dataset))
    grams = {}
    for name in splits:
        words = [re.findall(tokens, text.lower()) for text in splits[name]["text"]]
        grams[name] = [set(zip(w, w[1:], w[2:], strict=False)) for w in words]
    assert min(len(part) for part in grams.values()) > 50
    compared = 0
    for one, other in itertools.combinations(grams, 2):
        for a, b in itertools.product(grams[one], grams[other]):
            compared += 1
            if a and b:
                assert len(a & b) / len(a | b) < 0.7
    assert compared > 70_000


def test_the_shares_and_the_groups(tapal: Workspace, manifest: Manifest) -> None:
    import datasets

    splits = datasets.load_from_disk(str(tapal.dataset))
    groups = [set(splits[name]["group"]) for name in ("train", "validation", "test")]
    assert not any(a & b for a, b in itertools.combinations(groups, 2))
    kept = manifest.counts["kept"]
    assert len(splits["test"]) == pytest.approx(0.1 * kept, abs=1)
    assert len(splits["validation"]) == pytest.approx(0.09 * kept, abs=1)


def test_the_same_input_gives_the_same_bytes(tapal: Workspace, manifest: Manifest) -> None:
    before = (tapal.clean / "records.jsonl").read_bytes()
    again = build(tapal, force=True)
    assert (tapal.clean / "records.jsonl").read_bytes() == before
    assert again.manifest.output_hash == manifest.output_hash
