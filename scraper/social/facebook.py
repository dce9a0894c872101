"""Items of `apify/facebook-posts-scraper`, older and newer."""

from collections.abc import Iterator

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


def is_item(item: Item) -> bool:
    """Whether this looks like a Facebook post (not a comment, nor the page's own profile)."""
    if is_comment(item) or any(key in item for key in ("profileName", "shortCode")):
        return False
    if any(key in item for key in ("postId", "topLevelUrl", "postUrl")):
        return True
    return "facebook.com" in str(item.get("url", "")) and any(
        key in item for key in ("text", "message", "time", "timestamp")
    )


def posts_in(item: Item) -> Iterator[Item]:
    """The posts an item stands for: always itself."""
    yield item


def parse(item: Item, locator: str) -> Post | Failed:
    """Turn one item into a post, or say why it is none.

    Of a shared post only what the sharer wrote is kept: the rest is another account's text.
    """

    def failed(reason: str) -> Failed:
        return Failed(source="facebook", locator=locator, reason=reason)

    if reason := error_of(item):
        return failed(reason)
    if not is_item(item):
        return failed("it is no Facebook post")
    url = text_of(item, "url", "topLevelUrl", "postUrl")
    identifier = first(item, "postId", "post_id", "legacyId", "id", "feedbackId") or url
    author = _author(item)
    if not author:
        return failed("it names no owner")
    if not identifier or not url:
        return failed("it has neither an id nor a URL")
    text = text_of(item, "text", "message", "caption")
    return Post(
        source="facebook",
        post_id=str(identifier),
        url=url,
        text=text,
        published_at=time_of(first(item, "time", "date", "timestamp")),
        author=author,
        tags=hashtags(text, item.get("hashtags")),
        sponsored=is_true(item.get("isSponsored")) or is_true(item.get("paidPartnership")),
        shared=bool(first(item, "sharedPost")) or is_true(item.get("isShared")) or is_repost(text),
        likes=count_of(first(item, "likes", "likesCount", "topReactionsCount")),
        comments=count_of(first(item, "comments", "commentsCount")),
    )


def _author(item: Item) -> str:
    """The page that posted; its display name only where nothing says how its URL reads."""
    for key in ("pageName", "user.profileUrl", "facebookUrl", "pageUrl"):
        name = account_name(first(item, key))
        if name and " " not in name:
            return name
    return account_name(first(item, "user.name", "pageName"))
