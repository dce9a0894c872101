"""`onbrand scrape`: everything that `brand.toml` names, fetched or read into `raw/`."""

import asyncio
import hashlib
from dataclasses import dataclass, field

from onbrand.artifact import (
    MANIFEST_NAME,
    Manifest,
    Outcome,
    file_hash,
    now,
    up_to_date,
    versions,
    write_manifest,
)
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from scraper import raw
from scraper.files import hash_files, read_files
from scraper.raw import Failed, Page, Post, TextFile
from scraper.social.export import Platform, parse_items, read_export

APIFY_RUNS = "apify-runs.json"
_PLATFORMS: tuple[Platform, ...] = ("facebook", "instagram")


@dataclass
class _Harvest:
    """What has been collected so far, and which sources gave nothing."""

    posts: list[Post] = field(default_factory=list)
    files: list[TextFile] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    broken: dict[str, OnbrandError] = field(default_factory=dict)
    """Configured sources that gave nothing at all, with the reason."""
    working: int = 0
    """Configured sources that gave something."""


def scrape(workspace: Workspace, *, force: bool = False) -> Outcome:
    """Collect the website, the exports, the actors' posts and the files into `raw/`.

    Local input is read and checked first, then the slow sources run. A source that fails is noted
    and does not stop the others; as long as one has failed, the next scrape tries again, and takes
    up an interrupted crawl or actor run where it was.

    Raises:
        UsageError: nothing is configured, or the actors' token is missing.
        OnbrandError: an export or a path cannot be used, or every source failed.
    """
    _check_configured(workspace)
    config_hash, inputs = workspace.config.hash_for("raw"), _input_hashes(workspace)
    manifest = up_to_date(workspace.raw, config_hash, inputs)
    if manifest and not manifest.details.get("broken") and not force:
        return Outcome(manifest, was_current=True)
    started_at = now()
    token = _token(workspace)
    harvest = _Harvest()
    _read_exports(workspace, harvest)
    _read_files(workspace, harvest)
    workspace.raw.mkdir(parents=True, exist_ok=True)
    (workspace.raw / MANIFEST_NAME).unlink(missing_ok=True)
    if force:
        (workspace.raw / APIFY_RUNS).unlink(missing_ok=True)
    _run_actors(workspace, token, harvest)
    _crawl(workspace, harvest, force)
    _refuse_nothing(harvest)
    manifest = _write(workspace, harvest, config_hash, inputs, started_at)
    return Outcome(manifest, was_current=False)


def _check_configured(workspace: Workspace) -> None:
    config = workspace.config
    social = config.social
    if not any(
        [
            config.website.start_urls,
            social.facebook_exports,
            social.instagram_exports,
            social.facebook_pages,
            social.instagram_profiles,
            config.files.paths,
        ]
    ):
        raise UsageError(
            f"{workspace.root / 'brand.toml'} names nothing to scrape; give website.start_urls, "
            "social.facebook_exports, social.instagram_exports or files.paths."
        )


def _input_hashes(workspace: Workspace) -> dict[str, str]:
    hashes = hash_files(workspace)
    for platform in _PLATFORMS:
        for configured in _exports(workspace, platform):
            path = workspace.input_path(configured)
            hashes[f"{platform} {configured}"] = file_hash(path) if path.is_file() else ""
    return hashes


def _exports(workspace: Workspace, platform: Platform) -> list[str]:
    social = workspace.config.social
    return social.facebook_exports if platform == "facebook" else social.instagram_exports


def _token(workspace: Workspace) -> str:
    social = workspace.config.social
    if not (social.facebook_pages or social.instagram_profiles):
        return ""
    from scraper.social.apify import token_from_environment

    return token_from_environment()


def _read_exports(workspace: Workspace, harvest: _Harvest) -> None:
    for platform in _PLATFORMS:
        for configured in _exports(workspace, platform):
            parsed = read_export(workspace.input_path(configured), configured, platform)
            notes.print(f"{configured}: {len(parsed.posts)} posts, {len(parsed.failed)} failed")
            harvest.failed += parsed.failed
            _keep_posts(harvest, configured, parsed.posts)


def _keep_posts(harvest: _Harvest, name: str, posts: list[Post]) -> None:
    harvest.posts += posts
    if posts:
        harvest.working += 1
    else:
        harvest.broken[name] = OnbrandError(f"{name} holds no post that can be read.")


def _read_files(workspace: Workspace, harvest: _Harvest) -> None:
    if not workspace.config.files.paths:
        return
    harvest.files, failed = read_files(workspace)
    harvest.failed += failed
    notes.print(f"files: {len(harvest.files)} read, {len(failed)} failed")
    if harvest.files:
        harvest.working += 1
    else:
        harvest.broken["files"] = OnbrandError("None of the files in files.paths could be read.")


def _run_actors(workspace: Workspace, token: str, harvest: _Harvest) -> None:
    if not token:
        return
    from scraper.social.apify import actor_calls, run_actor

    social = workspace.config.social
    for call in actor_calls(social):
        try:
            with notes.status(f"Waiting for {call.actor} on Apify"):
                found = asyncio.run(
                    run_actor(
                        call,
                        token=token,
                        api_url=social.api_url,
                        state=workspace.raw / APIFY_RUNS,
                    )
                )
        except OnbrandError as error:
            _note_broken(harvest, call.actor, call.platform, error)
            continue
        if found.warning:
            notes.print(f"{found.name}: {found.warning}", style="yellow")
            harvest.failed.append(
                Failed(source=call.platform, locator=found.name, reason=found.warning)
            )
        parsed = parse_items(list(enumerate(found.items, 1)), found.name, call.platform)
        notes.print(f"{found.name}: {len(parsed.posts)} posts, {len(parsed.failed)} failed")
        harvest.failed += parsed.failed
        _keep_posts(harvest, call.actor, parsed.posts)


def _crawl(workspace: Workspace, harvest: _Harvest, force: bool) -> None:
    settings = workspace.config.website
    if not settings.start_urls:
        (workspace.raw / raw.PAGES).unlink(missing_ok=True)
        return
    from scraper.website.crawl import crawl

    try:
        result = asyncio.run(crawl(settings, workspace.raw, force=force))
    except UsageError:
        raise
    except OnbrandError as error:
        (workspace.raw / raw.PAGES).unlink(missing_ok=True)  # of an earlier configuration
        _note_broken(harvest, "website", "website", error)
        return
    harvest.counts = {
        "pages": result.pages,
        "pages.rendered": result.rendered,
        "pages.failed": result.failed,
        "pages.disallowed": result.disallowed,
        "pages.resumed-from": result.resumed_from,
    }
    harvest.working += 1


def _note_broken(harvest: _Harvest, name: str, source: Platform | str, error: OnbrandError) -> None:
    notes.print(str(error), style="yellow")
    harvest.broken[name] = error
    harvest.failed.append(
        Failed.model_validate({"source": source, "locator": name, "reason": str(error)})
    )


def _refuse_nothing(harvest: _Harvest) -> None:
    if harvest.working:
        return
    reasons = list(harvest.broken.values())
    if len(reasons) == 1:
        raise reasons[0]
    raise OnbrandError("Nothing could be scraped: " + " ".join(map(str, reasons)))


def _write(
    workspace: Workspace,
    harvest: _Harvest,
    config_hash: str,
    inputs: dict[str, str],
    started_at: str,
) -> Manifest:
    folder = workspace.raw
    counts = dict(harvest.counts)
    for platform in _PLATFORMS:
        counts[f"posts.{platform}"] = sum(post.source == platform for post in harvest.posts)
    raw.write_raw(folder / raw.POSTS, harvest.posts)
    counts["files"] = raw.write_raw(folder / raw.FILES, harvest.files)
    counts["failed"] = raw.write_raw(folder / raw.FAILED, harvest.failed)
    manifest = Manifest(
        command="scrape",
        config_hash=config_hash,
        inputs=inputs,
        versions=versions("apify-client", "charset-normalizer", "httpx", "pyppeteer"),
        counts=counts,
        output_hash=_output_hash(workspace),
        started_at=started_at,
        finished_at=now(),
        details={"broken": {name: str(error) for name, error in harvest.broken.items()}},
    )
    write_manifest(folder, manifest)
    if not harvest.broken:
        (folder / APIFY_RUNS).unlink(missing_ok=True)
    return manifest


def _output_hash(workspace: Workspace) -> str:
    """Over the content alone: not when a page was fetched, nor how many were left from before."""
    digest = hashlib.sha256()
    for page in raw.read_raw(workspace.raw / raw.PAGES, Page):
        digest.update(f"{page.url} {page.final_url} {page.content_hash}\n".encode())
    for name in (raw.POSTS, raw.FILES):
        digest.update(file_hash(workspace.raw / name).encode())
    return digest.hexdigest()
