"""Items of `apify/instagram-scraper` and `apify/instagram-post-scraper`, older and newer."""

from collections.abc import Iterator
from typing import Any

from scraper.raw import Failed, Post
from scraper.social.fields import (
    Item,
    account_name,
    count_of,
    error_of,
    first,
    hashtags,
    is_comment,
    is_repost,
    is_true,
    text_of,
    time_of,
)

_POST_PATHS = ("/p/", "/reel/", "/tv/")
_OF_A_POST = ("caption", "shortCode", "shortcode")


def is_item(item: Item) -> bool:
    """Whether this looks like an Instagram post, or like a profile that carries posts."""
    if is_comment(item) or any(key in item for key in ("facebookUrl", "postId")):
        return False
    if "text" in item and not any(key in item for key in _OF_A_POST):
        return False  # a comment, with the URL of the post it stands under
    address = str(item.get("url", ""))
    return (
        any(key in item for key in ("shortCode", "shortcode", "latestPosts"))
        or ("caption" in item and "ownerUsername" in item)
        or ("instagram.com" in address and any(path in address for path in _POST_PATHS))
    )


def posts_in(item: Item) -> Iterator[Item]:
    """The posts an item stands for: a profile's `latestPosts`, or itself where it has none."""
    yield from _latest_posts(item) or [item]


def _latest_posts(item: Item) -> list[Item]:
    latest = item.get("latestPosts")
    if not isinstance(latest, list) or first(item, "shortCode", "shortcode"):
        return []
    return [post for post in latest if isinstance(post, dict)]


def parse(item: Item, locator: str) -> Post | Failed:
    """Turn one item into a post, or say why it is none."""

    def failed(reason: str) -> Failed:
        return Failed(source="instagram", locator=locator, reason=reason)

    if reason := error_of(item):
        return failed(reason)
    if not is_item(item):
        return failed("it is no Instagram post")
    code = first(item, "shortCode", "shortcode")
    if "latestPosts" in item and not code:
        return failed("it is a profile without posts")
    url = text_of(item, "url") or (f"https://www.instagram.com/p/{code}/" if code else "")
    identifier = first(item, "id", "pk") or code or url
    author = account_name(first(item, "ownerUsername", "owner.username", "user.username"))
    if not author:
        return failed("it names no owner")
    if not identifier or not url:
        return failed("it has neither an id nor a URL")
    text = text_of(item, "caption") or _edge_text(item)
    return Post(
        source="instagram",
        post_id=str(identifier),
        url=url,
        text=text,
        published_at=time_of(first(item, "timestamp", "takenAt", "taken_at_timestamp")),
        author=author,
        tags=hashtags(text, item.get("hashtags")),
        sponsored=is_true(item.get("isSponsored")) or is_true(item.get("paidPartnership")),
        shared=bool(first(item, "sharedPost")) or is_repost(text),
        likes=count_of(first(item, "likesCount", "likes", "edge_liked_by.count")),
        comments=count_of(first(item, "commentsCount", "edge_media_to_comment.count")),
    )


def _edge_text(item: Item) -> str:
    """The caption as Instagram's own web API nests it, which old exports passed on."""
    edges: Any = first(item, "edge_media_to_caption.edges")
    node = edges[0] if isinstance(edges, list) and isinstance(edges[0], dict) else {}
    return text_of(node, "node")
