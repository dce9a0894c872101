"""The real Apify client against a loopback server that speaks the endpoints it uses."""

import asyncio
import traceback
from datetime import timedelta
from pathlib import Path

import pytest

from onbrand.config import Social
from onbrand.errors import OnbrandError, UsageError
from scraper.social import apify as apify_module
from scraper.social.apify import ActorItems, actor_calls, run_actor, token_from_environment
from tests.scraper.social.apify_server import TOKEN, Apify


def fetch(apify: Apify, folder: Path, *, token: str = TOKEN, limit: int = 5) -> ActorItems:
    settings = Social(instagram_profiles=["https://www.instagram.com/brand/"], max_items=limit)
    (call,) = actor_calls(settings)
    return asyncio.run(
        run_actor(call, token=token, api_url=apify.url + "/", state=folder / "runs.json")
    )


def test_what_the_actors_are_asked() -> None:
    pages = ["https://www.facebook.com/A", "https://facebook.com/b/", "https://facebook.com/a?x=1"]
    settings = Social(facebook_pages=pages, instagram_profiles=["nasa"], max_items=7)
    calls = {call.name: call for call in actor_calls(settings, {"instagram nasa": "2025-01-31"})}
    assert set(calls) == {
        "apify/facebook-posts-scraper a", "apify/facebook-posts-scraper b",
        "apify/instagram-scraper nasa",
    }  # fmt: skip
    page = calls["apify/facebook-posts-scraper a"]
    assert page.run_input == {"startUrls": [{"url": pages[0]}], "resultsLimit": 7}
    assert page.max_items == 7
    assert calls["apify/instagram-scraper nasa"].run_input == {
        "directUrls": ["nasa"], "resultsType": "posts", "resultsLimit": 7,
        "onlyPostsNewerThan": "2025-01-31",
    }  # fmt: skip
    assert actor_calls(Social()) == []


def test_items_are_read_page_by_page_up_to_the_limit(apify: Apify, tmp_path: Path) -> None:
    apify.items = [{"id": str(n)} for n in range(9)]
    found = fetch(apify, tmp_path, limit=5)
    assert [item["id"] for item in found.items] == ["0", "1", "2", "3", "4"]
    assert apify.pages_read == 3  # two, two and the last one
    assert apify.queries[0]["maxItems"] == ["5"]
    assert found.name == "apify/instagram-scraper brand run run1"
    assert found.warning == ""


def test_429_is_tried_again(apify: Apify, tmp_path: Path) -> None:
    apify.items = [{"id": "1"}]
    apify.refuse = [429, 503]
    assert len(fetch(apify, tmp_path).items) == 1


@pytest.mark.slow  # the client waits between its tries
def test_a_server_that_stays_ill(apify: Apify, tmp_path: Path) -> None:
    apify.refuse = [500] * 99
    with pytest.raises(OnbrandError, match=r"answered 500 .* run `onbrand scrape` again") as caught:
        fetch(apify, tmp_path)
    assert TOKEN not in str(caught.value)


def test_paging_past_a_thousand_items(apify: Apify, tmp_path: Path) -> None:
    apify.items = [{"id": str(n)} for n in range(2_600)]
    apify.page_size = 1_000
    found = fetch(apify, tmp_path, limit=2_500)
    assert [item["id"] for item in found.items] == [str(n) for n in range(2_500)]
    assert apify.pages_read == 3


def test_a_run_is_waited_for(apify: Apify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apify_module, "LOOK_EVERY", timedelta(seconds=0.1))
    apify.items, apify.looks = [{"id": "1"}], 4
    found = fetch(apify, tmp_path)
    assert (len(found.items), found.warning, found.note) == (1, "", "")
    assert apify.aborted == []


def test_a_run_that_goes_on_beyond_the_limit_is_aborted(
    apify: Apify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apify_module, "LOOK_EVERY", timedelta(seconds=0.1))
    apify.items, apify.looks = [{"id": str(n)} for n in range(50)], -1
    found = fetch(apify, tmp_path, limit=5)
    assert len(found.items) == 5
    assert apify.aborted == ["run1"]
    assert apify.items_sent <= 6, (
        "one item more than the limit was looked at, to see that it is there"
    )
    assert found.note == "stopped at social.max_items = 5, because the actor went on"
    assert found.warning == ""


def test_a_killed_scrape_waits_for_the_run_it_has_paid_for(apify: Apify, tmp_path: Path) -> None:
    apify.items = [{"id": "1"}]
    first, second = fetch(apify, tmp_path), fetch(apify, tmp_path)
    assert first == second
    assert len(apify.inputs) == 1
    assert TOKEN not in (tmp_path / "runs.json").read_text(encoding="utf-8")
    fetch(apify, tmp_path, limit=6)  # another input is another run
    assert len(apify.inputs) == 2


@pytest.mark.slow  # the client waits three seconds for a run that is unknown
def test_a_run_that_apify_has_forgotten_is_started_again(apify: Apify, tmp_path: Path) -> None:
    apify.items = [{"id": "1"}]
    fetch(apify, tmp_path)
    apify.known_runs.clear()
    assert fetch(apify, tmp_path).name.endswith("run2")


def test_a_failed_run_without_items_is_an_error_and_not_waited_for_again(
    apify: Apify, tmp_path: Path
) -> None:
    apify.status, apify.status_message = "FAILED", f"out of\nmemory {TOKEN}"
    with pytest.raises(OnbrandError, match=r"FAILED \(out of memory \[APIFY_TOKEN\]\)") as caught:
        fetch(apify, tmp_path)
    assert TOKEN not in str(caught.value)
    apify.status, apify.items = "SUCCEEDED", [{"id": "1"}]
    assert fetch(apify, tmp_path).name.endswith("run2")


def test_a_failed_run_keeps_what_it_found(apify: Apify, tmp_path: Path) -> None:
    apify.status, apify.items = "TIMED-OUT", [{"id": "1"}]
    found = fetch(apify, tmp_path)
    assert len(found.items) == 1
    assert "ended as TIMED-OUT" in found.warning


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "knows no actor"),
        (402, r"answered 402 \(no credit left for \[APIFY_TOKEN\]\); the account's credit is used"),
        (403, "answered 403 .* the month's limit is reached; see https"),
        (400, "answered 400"),
    ],
)
def test_refusals_are_one_sentence_without_the_token(
    apify: Apify, tmp_path: Path, status: int, message: str
) -> None:
    apify.refuse = [status]
    with pytest.raises(OnbrandError, match=message) as caught:
        fetch(apify, tmp_path)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("odd", [{"POST": []}, {"POST": {"data": []}}, {"GET": None}])
def test_json_of_another_shape_is_one_sentence(
    apify: Apify, tmp_path: Path, odd: dict[str, object]
) -> None:
    apify.odd = odd
    with pytest.raises(OnbrandError, match="gave no usable answer") as caught:
        fetch(apify, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_wrong_token(apify: Apify, tmp_path: Path) -> None:
    wrong = "apify_api_WRONG"
    with pytest.raises(OnbrandError, match="refused the token in APIFY_TOKEN") as caught:
        fetch(apify, tmp_path, token=wrong)
    shown = "".join(traceback.format_exception(caught.value))
    assert wrong not in shown
    assert TOKEN not in shown


@pytest.mark.slow  # four tries
def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OnbrandError, match="could not be reached"):
        fetch(Apify(url="http://127.0.0.1:9"), tmp_path)


def test_the_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APIFY_TOKEN", TOKEN)
    assert token_from_environment() == TOKEN
    monkeypatch.setenv("APIFY_TOKEN", " ")
    with pytest.raises(UsageError, match="APIFY_TOKEN"):
        token_from_environment()
