"""The actors' part of `onbrand scrape`: ask for what is new, and join it with what is at hand."""

import asyncio
from collections.abc import Collection
from dataclasses import replace

from onbrand.config import Social
from onbrand.console import notes
from onbrand.errors import OnbrandError
from onbrand.plural import plural
from onbrand.workspace import Workspace
from scraper import raw
from scraper.harvest import Harvest
from scraper.raw import Failed, Post
from scraper.social.apify import ActorCall, ActorItems, actor_calls, run_actor
from scraper.social.bought import (
    APIFY_RUNS,
    BOUGHT,
    Bought,
    newer_than,
    newest_first,
    profiles,
    read_bought,
    still_wanted,
)
from scraper.social.export import Parsed, parse_items
from scraper.social.fields import error_of

NOTHING_NEW = "no_items"
"""What an actor's error item says where no post is newer than asked."""


def buy_posts(
    workspace: Workspace, token: str, harvest: Harvest, again: Collection[str] | None = None
) -> None:
    """Run the actor once for each profile; a run that fails is set aside, its earlier posts stay.

    Of a post that comes again the newest version is kept. What was bought stands before the
    exports, so that of a post that stands in both `build` takes what is newer.

    Args:
        workspace: where the earlier posts lie and the settings stand.
        token: of Apify's API.
        harvest: takes the posts, and what failed.
        again: names of the runs to make although their profile's posts are at hand; None: all.
    """
    settings = workspace.config.social
    earlier = still_wanted(raw.read_raw(workspace.raw / raw.POSTS, Post), settings)
    at_hand = {(post.source, post.profile, post.post_id): post for post in earlier}
    bought = _still_true(read_bought(workspace.raw / BOUGHT), earlier, settings)
    since = {name: newer_than(bought.get(name), settings) for name in bought}
    for call in actor_calls(settings, since):
        count = sum(
            (post.source, post.profile) == (call.platform, call.profile) for post in earlier
        )
        harvest.runs[call.name] = count
        if call.profile_key in bought and again is not None and call.name not in again:
            said = f"{call.name}: {plural(count, 'post')} at hand, nothing has changed"
            notes.print(said, markup=False)
            harvest.working += 1
            continue
        try:
            with notes.status(f"Waiting for {call.name} on Apify"):
                found = asyncio.run(
                    run_actor(
                        call,
                        token=token,
                        api_url=settings.api_url,
                        state=workspace.raw / APIFY_RUNS,
                    )
                )
        except OnbrandError as error:
            harvest.set_aside(call.name, call.platform, error)
            continue
        if leaves_gap := _leaves_gap(call, found):
            found = replace(found, note=_gap(call))
        posts = _take(call, found, harvest)
        at_hand.update({(post.source, post.profile, post.post_id): post for post in posts})
        newest = max((post.published_at or "" for post in posts), default="")
        if newest and not found.warning and not leaves_gap:
            limit = settings.max_items if not call.since else bought[call.profile_key].max_items
            bought[call.profile_key] = Bought(newest=newest, max_items=limit)
    harvest.posts = newest_first(at_hand.values()) + harvest.posts
    harvest.bought = bought


def _leaves_gap(call: ActorCall, found: ActorItems) -> bool:
    """Whether the limit may have cut off posts between the earlier ones and the new ones.

    The profile then counts as complete up to where it was before, so that they are asked for again.
    """
    return bool(call.since) and sum(not error_of(item) for item in found.items) >= call.max_items


def _gap(call: ActorCall) -> str:
    return (
        f"as many posts as social.max_items = {call.max_items} allows, so some since {call.since} "
        "may be missing; raise it and scrape again"
    )


def _still_true(
    known: dict[str, Bought], earlier: list[Post], settings: Social
) -> dict[str, Bought]:
    """The profiles that are configured, and of which there still are posts."""
    held = {f"{post.source} {post.profile}" for post in earlier}
    wanted = {
        f"{platform} {name}"
        for platform in ("facebook", "instagram")
        for name in profiles(settings, platform)
    }
    return {name: value for name, value in known.items() if name in held & wanted}


def _take(call: ActorCall, found: ActorItems, harvest: Harvest) -> list[Post]:
    """Note what a run brought; its posts carry the profile they were bought for."""
    for said in filter(None, (found.warning, found.note)):
        notes.print(f"{found.name}: {said}", style="yellow", markup=False)
    if found.warning:
        harvest.failed.append(
            Failed(source=call.platform, locator=found.name, reason=found.warning)
        )
    parsed = parse_items(list(enumerate(found.items, 1)), found.name, call.platform)
    posts = [post.model_copy(update={"profile": call.profile}) for post in parsed.posts]
    nothing_new = call.since and all(NOTHING_NEW in failed.reason for failed in parsed.failed)
    if posts or not nothing_new:
        harvest.take_posts(call.name, found.name, Parsed([], parsed.failed), len(posts))
    else:
        notes.print(f"{found.name}: nothing newer than {call.since}", markup=False)
        harvest.working += 1
    return posts
