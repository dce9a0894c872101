"""Posts that were bought before: what stays of them, and from when on new ones are asked for.

`raw/bought.json` says for each profile up to when its posts are complete, and how many were allowed
to be bought then. It is written only after a run that ended well, so a run that broke off leaves no
gap that nobody asks for again.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ValidationError

from onbrand.atomic import write_text
from onbrand.config import Social
from scraper.raw import Post
from scraper.social.export import Platform
from scraper.social.fields import account_name

BOUGHT = "bought.json"
APIFY_RUNS = "apify-runs.json"
"""The ids of runs that were started, until the scrape is complete."""


class Bought(BaseModel):
    """What is known of one profile."""

    newest: str
    """Date of its newest post; ISO 8601, UTC."""
    max_items: int
    """How many posts its first run was allowed to buy."""


def profile_name(address: str) -> str:
    """What a profile is called: its account, or its address where that names none."""
    return account_name(address) or address


def profiles(settings: Social, platform: Platform) -> dict[str, str]:
    """The configured profiles of a platform: name and address, each once."""
    chosen = settings.facebook_pages if platform == "facebook" else settings.instagram_profiles
    return {profile_name(address): address for address in reversed(chosen)}


def still_wanted(posts: Iterable[Post], settings: Social) -> list[Post]:
    """The posts that were bought for a profile that is still configured."""
    wanted = {
        (platform, name)
        for platform in ("facebook", "instagram")
        for name in profiles(settings, platform)
    }
    return [post for post in posts if (post.source, post.profile) in wanted]


def read_bought(path: Path) -> dict[str, Bought]:
    """The state file; nothing where it is missing or cannot be read."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {name: Bought.model_validate(value) for name, value in stored.items()}
    except (OSError, ValueError, AttributeError, ValidationError):
        return {}


def write_bought(path: Path, bought: dict[str, Bought]) -> None:
    """Write the state file, atomically and in order; without any profile there is none."""
    if not bought:
        path.unlink(missing_ok=True)
        return
    values = {name: bought[name].model_dump() for name in sorted(bought)}
    write_text(path, json.dumps(values, indent=1) + "\n")


def newer_than(known: Bought | None, settings: Social) -> str:
    """The day from which on posts are asked for (YYYY-MM-DD), or "" for all of them.

    All, when the profile is new, when more may be bought than before, or as configured.
    """
    if known is None or not settings.only_new or known.max_items < settings.max_items:
        return ""
    overlap = timedelta(days=settings.overlap_days)
    return (datetime.fromisoformat(known.newest) - overlap).date().isoformat()


def newest_first(posts: Iterable[Post]) -> list[Post]:
    """Posts in an order that does not depend on the runs: newest first, undated last."""
    by_id = sorted(posts, key=lambda post: (post.source, post.profile, post.post_id))
    return sorted(by_id, key=lambda post: post.published_at or "", reverse=True)
