"""Apify's actors: start a run, watch it, read its data set.

API: https://docs.apify.com/api/v2. The ids of started runs are kept in a state file until the
scrape is complete, so that a scrape that was killed waits for the run it has already paid for
instead of starting another. The token is in no message: where the API's own error would show in a
traceback, it is left out of it.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import impit
from apify_client import ApifyClientAsync
from apify_client.errors import (
    ApifyApiError,
    ApifyClientError,
    InvalidRequestError,
    NotFoundError,
    UnauthorizedError,
)

from onbrand.atomic import write_text
from onbrand.config import Social
from onbrand.errors import OnbrandError, UsageError
from scraper.social.bought import profiles
from scraper.social.export import Platform

TOKEN = "APIFY_TOKEN"  # noqa: S105 (the variable's name, not its value)
LOOK_EVERY = timedelta(seconds=20)
"""Between two looks at how many items a run has so far."""
_ACTORS: dict[Platform, str] = {
    "facebook": "apify/facebook-posts-scraper",
    "instagram": "apify/instagram-scraper",
}
_UNFINISHED = ("READY", "RUNNING", "TIMING-OUT", "ABORTING")
_TOKENS = "https://console.apify.com/settings/integrations"
_BILLING = "https://console.apify.com/billing"
_ADVICE = {
    402: f"the account's credit is used up, or the actor is not rented; see {_BILLING}",
    403: f"the token in {TOKEN} may not run this actor, or the month's limit is reached; see "
    f"{_BILLING}",
    429: "it was asked too often; run `onbrand scrape` again in some minutes",
}


@dataclass(frozen=True)
class ActorCall:
    """One run to make: which actor, for which profile, and how many items at most."""

    platform: Platform
    profile: str
    run_input: dict[str, Any]
    max_items: int
    since: str = ""
    """Day (YYYY-MM-DD) from which on posts are asked for; empty: all."""

    @property
    def actor(self) -> str:
        """The actor's name on Apify."""
        return _ACTORS[self.platform]

    @property
    def name(self) -> str:
        """Calls the run in messages and reports."""
        return f"{self.actor} {self.profile}"

    @property
    def profile_key(self) -> str:
        """Names the profile in `raw/bought.json`."""
        return f"{self.platform} {self.profile}"

    @property
    def key(self) -> str:
        """Names the run in the state file; another input is another run."""
        asked = json.dumps([self.actor, self.run_input, self.max_items], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ActorItems:
    """What a run left in its data set."""

    name: str
    """Calls the run by its actor and id, for locators."""
    items: list[dict[str, Any]]
    warning: str = ""
    """Why the run did not finish, where it still left items; else empty."""
    note: str = ""
    """What else is worth knowing of a run that did as it should."""


def actor_calls(
    settings: Social, since: Mapping[str, str] = MappingProxyType({})
) -> list[ActorCall]:
    """The runs that `facebook_pages` and `instagram_profiles` ask for, one for each profile.

    Args:
        settings: the section `social`.
        since: by `ActorCall.profile_key`, the day from which on posts are asked for.
    """
    limit = settings.max_items
    platforms: tuple[Platform, ...] = ("facebook", "instagram")
    calls: list[ActorCall] = []
    for platform in platforms:
        for profile, address in profiles(settings, platform).items():
            day = since.get(f"{platform} {profile}", "")
            asked: dict[str, Any] = (
                {"startUrls": [{"url": address}]}
                if platform == "facebook"
                else {"directUrls": [address], "resultsType": "posts"}
            )
            asked |= {"resultsLimit": limit} | ({"onlyPostsNewerThan": day} if day else {})
            calls.append(ActorCall(platform, profile, asked, limit, day))
    return calls


def token_from_environment() -> str:
    """The API token.

    Raises:
        UsageError: it is not set.
    """
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise UsageError(
            f"social.facebook_pages and social.instagram_profiles need {TOKEN} in the environment "
            f"or in the workspace's .env; find it at {_TOKENS}."
        )
    return token


async def run_actor(call: ActorCall, *, token: str, api_url: str, state: Path) -> ActorItems:
    """Run an actor (or wait for the run that `state` knows) and read what it found.

    At most `call.max_items` items are read; a run that goes on beyond them is aborted. 429 and 5xx
    are tried again by the client.

    Raises:
        OnbrandError: the API refused or cannot be reached, or the run failed and left nothing.
    """
    client = ApifyClientAsync(token, api_url=api_url.rstrip("/"))
    try:
        run, was_stopped = await _finished_run(client, call, state)
        name = f"{call.name} run {run.id}"
        listed = client.dataset(run.default_dataset_id).iterate_items(limit=call.max_items)
        items = [item async for item in listed]
    except NotFoundError:
        raise OnbrandError(
            f"Apify at {api_url} knows no actor {call.actor}, or not its results (404); "
            "check social.api_url."
        ) from None
    except UnauthorizedError:
        raise OnbrandError(
            f"Apify refused the token in {TOKEN} (401); copy a valid one from {_TOKENS}."
        ) from None
    except ApifyApiError as error:
        raise OnbrandError(_refusal(call, error, token)) from None
    except (
        ApifyClientError,
        impit.HTTPError,
        impit.InvalidURL,
        ValueError,  # JSON of another shape, from the client or from pydantic
        KeyError,
    ) as error:
        raise OnbrandError(
            f"Apify at {api_url} could not be reached or gave no usable answer "
            f"({type(error).__name__}); run `onbrand scrape` again."
        ) from None
    if was_stopped:
        note = f"stopped at social.max_items = {call.max_items}, because the actor went on"
        return ActorItems(name, items, note=note)
    if run.status == "SUCCEEDED":
        return ActorItems(name, items)
    problem = (
        f"the run ended as {run.status}"
        + (f" ({_safe(run.status_message, token)})" if run.status_message else "")
        + f"; see https://console.apify.com/actors/runs/{run.id}"
    )
    if not items:
        _forget(state, call)
        raise OnbrandError(f"{call.name}: {problem}.")
    return ActorItems(name, items, warning=problem)


async def _finished_run(client: ApifyClientAsync, call: ActorCall, state: Path) -> tuple[Any, bool]:
    """The run in a terminal state (the one already paid for where Apify still has it).

    Also tells whether it was stopped because it had brought enough.
    """
    known = _known_runs(state).get(call.key)
    if known and (ended := await _watched(client, call, known)) is not None:
        return ended
    started = await client.actor(call.actor).start(
        run_input=call.run_input, max_items=call.max_items
    )
    write_text(state, json.dumps({**_known_runs(state), call.key: started.id}) + "\n")
    ended = await _watched(client, call, started.id)
    if ended is None:
        raise OnbrandError(f"{call.name}: Apify lost the run {started.id}; scrape again.")
    return ended


async def _watched(
    client: ApifyClientAsync, call: ActorCall, identifier: str
) -> tuple[Any, bool] | None:
    """Wait for a run, and abort it when it has more items than were asked for."""
    watched, was_stopped = client.run(identifier), False
    while (run := await watched.wait_for_finish(wait_duration=LOOK_EVERY)) is not None:
        if run.status not in _UNFINISHED:
            return run, was_stopped
        if not was_stopped:
            beyond = await client.dataset(run.default_dataset_id).list_items(
                offset=call.max_items, limit=1
            )
            if beyond.items:
                with suppress(InvalidRequestError):  # it has just ended by itself
                    await watched.abort()
                was_stopped = True
    return None


def _refusal(call: ActorCall, error: ApifyApiError, token: str) -> str:
    said = f" ({_safe(error.message, token)[:200]})" if error.message else ""
    advice = _ADVICE.get(error.status_code, "run `onbrand scrape` again")
    return f"{call.name}: Apify answered {error.status_code}{said}; {advice}."


def _safe(said: str, token: str) -> str:
    """What the API said, on one line and without the token."""
    return " ".join(said.replace(token, f"[{TOKEN}]").split())


def _known_runs(state: Path) -> dict[str, str]:
    try:
        known = json.loads(state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _forget(state: Path, call: ActorCall) -> None:
    """A failed run is not waited for again: the next scrape starts a new one."""
    known = {key: run for key, run in _known_runs(state).items() if key != call.key}
    write_text(state, json.dumps(known) + "\n")
