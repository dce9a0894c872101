import csv
import json
from pathlib import Path

import pytest

from onbrand.errors import OnbrandError
from scraper.raw import write_raw
from scraper.social.export import Platform, read_export

EXAMPLES = Path(__file__).parents[3] / "examples" / "saltmarsh"
PLATFORMS: tuple[Platform, ...] = ("facebook", "instagram")
ITEM = {
    "id": "1",
    "shortCode": "A",
    "url": "https://www.instagram.com/p/A/",
    "caption": "Chai, warm\n☕ #Tea",
    "hashtags": ["Tea"],
    "ownerUsername": "brand",
    "likesCount": 12,
    "isSponsored": True,
}
FACEBOOK_ITEM = {
    "postId": "1",
    "url": "https://www.facebook.com/b/posts/1",
    "text": "t",
    "pageName": "b",
}


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([ITEM]),
        json.dumps(ITEM),
        json.dumps({"items": [ITEM]}),
        json.dumps({"data": {"items": [ITEM]}}),
        json.dumps(ITEM) + "\n" + json.dumps({"error": "gone", "url": "u"}) + "\n",
    ],
    ids=["list", "one item", "under items", "under data", "json lines"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_and_json_lines(tmp_path: Path, text: str, encoding: str) -> None:
    parsed = read_export(write(tmp_path / "e", text, encoding), "e", "instagram")
    assert [post.text for post in parsed.posts] == ["Chai, warm\n☕ #Tea"]


def test_csv_with_bom_and_flattened_columns(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    row = {
        "caption": ITEM["caption"], "shortCode": "A", "url": ITEM["url"],
        "ownerUsername": "brand", "likesCount": "12", "isSponsored": "true",
        "hashtags/0": "Tea", "hashtags/1": "", "latestComments/0/text": "SECRET" * 30_000,
        "owner/id": "7",
    }  # fmt: skip
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, list(row))
        writer.writeheader()
        writer.writerow(row)
    (post,) = read_export(path, "e.csv", "instagram").posts
    assert (post.text, post.tags, post.likes) == (ITEM["caption"], ["Tea"], 12)
    assert post.sponsored
    assert "SECRET" not in post.model_dump_json()


def test_csv_of_facebook_names_the_owner(tmp_path: Path) -> None:
    text = "postId,url,text,user/name,user/profileUrl\r\n1,https://www.facebook.com/b/posts/1,hi,B,https://www.facebook.com/Brand\r\n"
    (post,) = read_export(write(tmp_path / "e", text), "e", "facebook").posts
    assert post.author == "brand"


def test_a_broken_line_or_item_does_not_lose_the_rest(tmp_path: Path) -> None:
    text = json.dumps(ITEM) + '\n{"id": "2", "capt\n'
    parsed = read_export(write(tmp_path / "e", text), "e.jsonl", "instagram")
    assert len(parsed.posts) == 1
    assert [failed.locator for failed in parsed.failed] == ["e.jsonl, item 2"]
    parsed = read_export(write(tmp_path / "e", json.dumps([ITEM, 3])), "e", "instagram")
    assert [failed.reason for failed in parsed.failed] == ["it is no JSON object"]


def test_a_caption_that_ends_in_half_an_emoji_can_be_written(tmp_path: Path) -> None:
    half = {**ITEM, "caption": "cut off \ud83d", "hashtags": ["\ud83d"], "ownerUsername": "b\ud83d"}
    error = {"url": "u", "error": "not_found", "errorDescription": "\ud83d"}
    path = write(tmp_path / "e.json", json.dumps([half, error]))
    parsed = read_export(path, "e.json", "instagram")
    assert parsed.posts[0].text == "cut off \ufffd"
    write_raw(tmp_path / "posts.jsonl", parsed.posts)
    write_raw(tmp_path / "failed.jsonl", parsed.failed)


@pytest.mark.parametrize(
    ("text", "platform", "message"),
    [
        (None, "instagram", "cannot be read"),
        ("", "instagram", "is empty"),
        ("[]", "facebook", "is empty"),
        ('{"items": []}', "facebook", "is empty"),
        ('[{"id": 1}, {"id"', "instagram", "neither JSON, JSON Lines nor CSV"),
        ("<html></html>", "instagram", "neither JSON, JSON Lines nor CSV"),
        ("\x89PNG\x00", "instagram", "neither JSON, JSON Lines nor CSV"),
        (json.dumps([FACEBOOK_ITEM]), "instagram", "is a Facebook export"),
        (json.dumps([ITEM]), "facebook", "is an Instagram export"),
        ('{"name": "package", "version": "1"}', "facebook", "holds no Facebook posts"),
        ("a,b\n1,2\n", "instagram", "holds no Instagram posts"),
    ],
)
def test_a_file_that_cannot_be_used(
    tmp_path: Path, text: str | None, platform: Platform, message: str
) -> None:
    path = tmp_path / "export.json"
    if text is not None:
        write(path, text)
    with pytest.raises(OnbrandError, match=r"export\.json") as caught:
        read_export(path, "export.json", platform)
    said = str(caught.value)
    assert message in said
    assert f"social.{platform}_exports" in said
    assert "\n" not in said
    assert caught.value.exit_code == (2 if text is None else 1)


def test_error_items_do_not_decide_whose_export_it_is(tmp_path: Path) -> None:
    error = {"url": "https://www.example.org/gone", "error": "not_found"}
    mixed = write(tmp_path / "m", json.dumps([error, FACEBOOK_ITEM, ITEM]))
    for platform in PLATFORMS:
        parsed = read_export(mixed, "m", platform)
        assert (len(parsed.posts), len(parsed.failed)) == (1, 2)
    alone = write(tmp_path / "a", json.dumps([error]))
    parsed = read_export(alone, "a", "facebook")
    assert (parsed.posts, len(parsed.failed)) == ([], 1)


@pytest.mark.parametrize("named", PLATFORMS)
def test_the_demo_exports_under_each_others_key(named: Platform) -> None:
    other: Platform = "facebook" if named == "instagram" else "instagram"
    path = EXAMPLES / f"{other}.json"
    assert "not_found" in path.read_text(encoding="utf-8"), "it holds an error item"
    with pytest.raises(OnbrandError, match=rf"{path.name} is an? {other.title()} export") as caught:
        read_export(path, path.name, named)
    assert f"move it to social.{other}_exports" in str(caught.value)
    assert read_export(path, path.name, other).posts
