"""Apify's actors: start a run, wait for it, read its data set.

API: https://docs.apify.com/api/v2. The ids of started runs are kept in a state file until the
scrape is complete, so that a scrape that was killed waits for the run it has already paid for
instead of starting another.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import impit
from apify_client import ApifyClientAsync
from apify_client.errors import ApifyApiError, ApifyClientError, NotFoundError, UnauthorizedError
from pydantic import ValidationError

from onbrand.atomic import write_text
from onbrand.config import Social
from onbrand.errors import OnbrandError, UsageError
from scraper.social.export import Platform

TOKEN = "APIFY_TOKEN"  # noqa: S105 (the variable's name, not its value)
_ACTORS: dict[Platform, str] = {
    "facebook": "apify/facebook-posts-scraper",
    "instagram": "apify/instagram-scraper",
}


@dataclass(frozen=True)
class ActorCall:
    """One run to make: which actor, with what input, and how many items at most."""

    platform: Platform
    actor: str
    run_input: dict[str, Any]
    max_items: int

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
    warning: str
    """Why the run did not finish, where it still left items; else empty."""


def actor_calls(settings: Social) -> list[ActorCall]:
    """The runs that `facebook_pages` and `instagram_profiles` ask for, one per platform."""
    limit = settings.max_items
    calls: list[ActorCall] = []
    if pages := settings.facebook_pages:
        urls = [{"url": url} for url in pages]
        run_input: dict[str, Any] = {"startUrls": urls, "resultsLimit": limit}
        calls.append(ActorCall("facebook", _ACTORS["facebook"], run_input, limit * len(pages)))
    if profiles := settings.instagram_profiles:
        run_input = {"directUrls": profiles, "resultsType": "posts", "resultsLimit": limit}
        calls.append(ActorCall("instagram", _ACTORS["instagram"], run_input, limit * len(profiles)))
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
            "or in the workspace's .env; find it at "
            "https://console.apify.com/settings/integrations."
        )
    return token


async def run_actor(call: ActorCall, *, token: str, api_url: str, state: Path) -> ActorItems:
    """Run an actor (or wait for the run that `state` knows) and read what it found.

    429 and 5xx are retried by the client. The token appears in no message.

    Raises:
        OnbrandError: the API refused or cannot be reached, or the run failed and left nothing.
    """
    client = ApifyClientAsync(token, api_url=api_url.rstrip("/"))
    try:
        run = await _finished_run(client, call, state)
        name = f"{call.actor} run {run.id}"
        items = [
            item
            async for item in client.dataset(run.default_dataset_id).iterate_items(
                limit=call.max_items
            )
        ]
    except UnauthorizedError as error:
        raise OnbrandError(
            f"Apify refused the token in {TOKEN} (401); copy a valid one from "
            "https://console.apify.com/settings/integrations."
        ) from error
    except NotFoundError as error:
        raise OnbrandError(
            f"Apify at {api_url} knows no actor {call.actor}, or not its results (404); "
            "check social.api_url."
        ) from error
    except ApifyApiError as error:
        said = str(error.message).replace(token, f"[{TOKEN}]")[:200]
        raise OnbrandError(
            f"Apify answered {error.status_code} to the run of {call.actor}: {said}"
        ) from error
    except (
        ApifyClientError,
        impit.HTTPError,
        impit.InvalidURL,
        ValidationError,
        KeyError,
    ) as error:
        raise OnbrandError(
            f"Apify at {api_url} could not be reached or gave no usable answer "
            f"({type(error).__name__}); run `onbrand scrape` again."
        ) from error
    if run.status == "SUCCEEDED":
        return ActorItems(name, items, "")
    problem = (
        f"the run ended as {run.status}"
        + (f" ({run.status_message})" if run.status_message else "")
        + f"; see https://console.apify.com/actors/runs/{run.id}"
    )
    if not items:
        _forget(state, call)
        raise OnbrandError(f"{call.actor}: {problem}.")
    return ActorItems(name, items, problem)


async def _finished_run(client: ApifyClientAsync, call: ActorCall, state: Path) -> Any:
    """The run in a terminal state: the one already paid for where Apify still has it."""
    known = _known_runs(state).get(call.key)
    if known and (run := await client.run(known).wait_for_finish()) is not None:
        return run
    started = await client.actor(call.actor).start(
        run_input=call.run_input, max_items=call.max_items
    )
    write_text(state, json.dumps({**_known_runs(state), call.key: started.id}) + "\n")
    run = await client.run(started.id).wait_for_finish()
    if run is None:
        raise OnbrandError(f"{call.actor}: Apify lost the run {started.id}; scrape again.")
    return run


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
