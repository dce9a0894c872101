"""Facebook and Instagram items, in the shapes that the actors wrote over the years."""

import json
from typing import Any

import pytest

from scraper.raw import Failed, Post
from scraper.social import facebook, instagram

FACEBOOK: dict[str, Any] = {
    "facebookUrl": "https://www.facebook.com/examplebrand",
    "postId": "8132",
    "pageName": "ExampleBrand",
    "url": "https://www.facebook.com/examplebrand/posts/pfbid0",
    "time": "2025-08-06T07:22:37.000Z",
    "user": {"name": "Example Brand", "profileUrl": "https://www.facebook.com/examplebrand"},
    "text": "Post text with #hashtag",
    "likes": 35,
    "comments": 1,
    "topComments": [{"text": "SECRET words", "profileName": "SECRET person"}],
}
INSTAGRAM: dict[str, Any] = {
    "id": "3697",
    "type": "Sidecar",
    "shortCode": "DNQ",
    "caption": "Under the sea\n#NASA",
    "hashtags": ["NASA"],
    "url": "https://www.instagram.com/p/DNQ/",
    "commentsCount": 1882,
    "firstComment": "SECRET words",
    "latestComments": [{"text": "SECRET words", "ownerUsername": "SECRET person"}],
    "likesCount": -1,
    "timestamp": "2025-08-12T16:19:28.000Z",
    "ownerUsername": "NASA",
    "isSponsored": False,
}


def as_post(result: Post | Failed) -> Post:
    assert isinstance(result, Post), result
    return result


def test_a_facebook_post() -> None:
    post = as_post(facebook.parse(FACEBOOK, "x"))
    assert post == Post(
        source="facebook",
        post_id="8132",
        url="https://www.facebook.com/examplebrand/posts/pfbid0",
        text="Post text with #hashtag",
        published_at="2025-08-06T07:22:37+00:00",
        author="examplebrand",
        tags=["hashtag"],
        likes=35,
        comments=1,
    )


def test_an_instagram_post() -> None:
    post = as_post(instagram.parse(INSTAGRAM, "x"))
    assert post == Post(
        source="instagram",
        post_id="3697",
        url="https://www.instagram.com/p/DNQ/",
        text="Under the sea\n#NASA",
        published_at="2025-08-12T16:19:28+00:00",
        author="nasa",
        tags=["NASA"],
        likes=None,
        comments=1882,
    )


def test_other_field_names() -> None:
    older = as_post(
        facebook.parse(
            {
                "topLevelUrl": "https://www.facebook.com/1/posts/2",
                "message": "hello",
                "timestamp": 1754464957,
                "user": {"profileUrl": "https://www.facebook.com/profile.php?id=42"},
                "likes": "2.4K",
                "comments": [{"text": "SECRET"}],
            },
            "x",
        )
    )
    assert (older.author, older.text, older.likes, older.comments) == ("42", "hello", 2400, None)
    nested = as_post(
        instagram.parse(
            {
                "shortcode": "AB",
                "owner": {"username": "Brand"},
                "edge_media_to_caption": {"edges": [{"node": {"text": "old caption"}}]},
                "edge_liked_by": {"count": 5},
                "taken_at_timestamp": 1754464957,
            },
            "x",
        )
    )
    assert (nested.author, nested.text, nested.likes) == ("brand", "old caption", 5)
    assert nested.url == "https://www.instagram.com/p/AB/"


def test_flags() -> None:
    shared = as_post(facebook.parse({**FACEBOOK, "sharedPost": {"text": "theirs"}}, "x"))
    assert shared.shared
    assert "theirs" not in shared.text
    for said, expected in (("false", False), (False, False), ("true", True), (True, True)):
        assert as_post(facebook.parse({**FACEBOOK, "isShared": said}, "x")).shared is expected
    for caption in (
        "Posted @withrepost • @someone I love this tea", "#Repost @someone ・・・ Lovely",
        "Reposted from @some.one What a cup", "Regrann from @someone",
    ):  # fmt: skip
        assert as_post(instagram.parse({**INSTAGRAM, "caption": caption}, "x")).shared
        assert as_post(facebook.parse({**FACEBOOK, "text": caption}, "x")).shared
    for caption in ("Posted in our #tea corner", "Reposting is kind, @someone", "Thanks @someone"):
        assert not as_post(instagram.parse({**INSTAGRAM, "caption": caption}, "x")).shared
        assert not as_post(facebook.parse({**FACEBOOK, "text": caption}, "x")).shared
    paid = as_post(instagram.parse({**INSTAGRAM, "paidPartnership": True}, "x"))
    assert paid.sponsored


@pytest.mark.parametrize(
    ("platform", "item", "reason"),
    [
        (facebook, {"url": "u", "error": "not_available", "errorDescription": "gone"}, "gone"),
        (instagram, {"url": "u", "error": "not_found"}, "not_found"),
        (instagram, {**INSTAGRAM, "ownerUsername": None}, "no owner"),
        (facebook, {"postId": "1", "url": "https://x.invalid/1", "text": "t"}, "no owner"),
        (facebook, {"pageId": "1", "title": "Example", "categories": []}, "no Facebook post"),
        (instagram, FACEBOOK, "no Instagram post"),
        (
            instagram,
            {"commentUrl": "https://www.instagram.com/p/A/c/1", "text": "SECRET",
             "ownerUsername": "someone", "url": "https://www.instagram.com/p/A/"},
            "no Instagram post",
        ),
        (
            instagram,
            {"id": "1", "text": "SECRET", "ownerUsername": "somebody",
             "url": "https://www.instagram.com/p/ABC/"},
            "no Instagram post",
        ),
        (instagram, {**INSTAGRAM, "type": "comment"}, "no Instagram post"),
        (
            facebook,
            {"id": "1", "text": "SECRET", "postTitle": "t", "postUrl": FACEBOOK["url"],
             "profileUrl": "https://www.facebook.com/some.body", "facebookUrl": FACEBOOK["url"]},
            "no Facebook post",
        ),
        (facebook, {**FACEBOOK, "threadingDepth": 0}, "no Facebook post"),
        (facebook, {**FACEBOOK, "url": FACEBOOK["url"] + "?comment_id=2"}, "no Facebook post"),
        (instagram, {"username": "x", "latestPosts": [], "private": True}, "without posts"),
    ],
)  # fmt: skip
def test_items_that_are_no_posts_say_why(platform: Any, item: dict[str, Any], reason: str) -> None:
    failed = platform.parse(item, "export.json, item 3")
    assert isinstance(failed, Failed)
    assert failed.locator == "export.json, item 3"
    assert reason in failed.reason
    assert "SECRET" not in failed.reason


def test_a_profile_gives_its_latest_posts() -> None:
    profile = {"username": "nasa", "latestPosts": [INSTAGRAM, {**INSTAGRAM, "id": "2"}]}
    assert len(list(instagram.posts_in(profile))) == 2
    empty = {"username": "nasa", "latestPosts": []}
    assert list(instagram.posts_in(empty)) == [empty], "it is set aside, and does not vanish"


@pytest.mark.parametrize(("platform", "item"), [(facebook, FACEBOOK), (instagram, INSTAGRAM)])
def test_nothing_of_a_commenter_is_kept(platform: Any, item: dict[str, Any]) -> None:
    assert "SECRET" in json.dumps(item)
    assert "SECRET" not in as_post(platform.parse(item, "x")).model_dump_json()
