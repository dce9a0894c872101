"""`onbrand scrape`: everything that `brand.toml` names, fetched or read into `raw/`."""

import asyncio
import hashlib

from onbrand.artifact import (
    Manifest,
    Outcome,
    file_hash,
    now,
    read_manifest,
    up_to_date,
    versions,
    write_manifest,
)
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from onbrand.plural import plural
from onbrand.workspace import Workspace
from scraper import raw
from scraper.files import hash_files, hash_of_readable, read_files
from scraper.harvest import Harvest
from scraper.raw import Page
from scraper.social.bought import APIFY_RUNS, BOUGHT, write_bought
from scraper.social.export import Platform, read_export

_UNFINISHED = "unfinished"
_PASSING = "passing"
_PLATFORMS: tuple[Platform, ...] = ("facebook", "instagram")


def scrape(workspace: Workspace, *, force: bool = False) -> Outcome:
    """Collect the website, the exports, the actors' posts and the files into `raw/`.

    Local input is read and checked first, then the slow sources run. A source that fails is noted
    and does not stop the others, and what an earlier scrape found there stays; as long as one has
    failed, the next scrape tries again, and takes up an interrupted crawl or actor run where it
    was. Pages that failed for what may have passed are tried again by the next two scrapes. Posts
    are bought again only after a change, or with `force`. Where every source failed, `raw/` stays
    as it was, and the next scrape tries again.

    Raises:
        UsageError: nothing is configured, a configured path is not there, or the actors' token is
            missing.
        OnbrandError: an export or a path cannot be used, every source failed, or another crawl is
            running.
    """
    _check_configured(workspace)
    config_hash, inputs = workspace.config.hash_for("raw"), _input_hashes(workspace)
    earlier = up_to_date(workspace.raw, config_hash, inputs)
    if (
        earlier
        and not force
        and not any(map(earlier.details.get, ("broken", _UNFINISHED, _PASSING)))
    ):
        return Outcome(earlier, was_current=True)
    started_at = now()
    token = _token(workspace)
    harvest = Harvest()
    _read_exports(workspace, harvest)
    _read_files(workspace, harvest)
    workspace.raw.mkdir(parents=True, exist_ok=True)
    # A settled scrape only repeats what is noted as broken or passing, and that note stays.
    settled = None if force or (earlier and earlier.details.get(_UNFINISHED)) else earlier
    if not settled:
        _mark_unfinished(workspace)
    if force:
        (workspace.raw / APIFY_RUNS).unlink(missing_ok=True)
    if token:
        from scraper.social.buy import buy_posts

        again = settled.details.get("broken", {}) if settled else None
        buy_posts(workspace, token, harvest, again)
    _crawl(workspace, harvest, force)
    harvest.refuse_nothing()
    _keep_earlier(workspace, harvest)
    manifest = _write(workspace, harvest, config_hash, inputs, started_at)
    _say_where_failures_stand(manifest)
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
            hashes[f"{platform} {configured}"] = hash_of_readable(path)
    return hashes


def _exports(workspace: Workspace, platform: Platform) -> list[str]:
    social = workspace.config.social
    return social.facebook_exports if platform == "facebook" else social.instagram_exports


def _say_where_failures_stand(manifest: Manifest) -> None:
    from scraper.website.results import WEBSITE_FAILED

    for name, file in (("failed", raw.FAILED), ("pages.failed", WEBSITE_FAILED)):
        if count := manifest.counts.get(name):
            notes.print(f"{name} {count:,}: raw/{file} says what, and why.")


def _mark_unfinished(workspace: Workspace) -> None:
    """Have the next scrape go on after a kill, while `build` can still read what was there."""
    if manifest := read_manifest(workspace.raw):
        details = {**manifest.details, _UNFINISHED: True}
        write_manifest(workspace.raw, manifest.model_copy(update={"details": details}))


def _token(workspace: Workspace) -> str:
    social = workspace.config.social
    if not (social.facebook_pages or social.instagram_profiles):
        return ""
    from scraper.social.apify import token_from_environment

    return token_from_environment()


def _read_exports(workspace: Workspace, harvest: Harvest) -> None:
    for platform in _PLATFORMS:
        for configured in _exports(workspace, platform):
            parsed = read_export(workspace.input_path(configured), configured, platform)
            harvest.take_posts(configured, configured, parsed)


def _read_files(workspace: Workspace, harvest: Harvest) -> None:
    if not workspace.config.files.paths:
        return
    harvest.files, failed = read_files(workspace)
    harvest.failed += failed
    notes.print(f"files: {len(harvest.files)} read, {len(failed)} failed")
    if harvest.files:
        harvest.working += 1
    else:
        harvest.broken["files"] = OnbrandError("None of the files in files.paths could be read.")


def _crawl(workspace: Workspace, harvest: Harvest, force: bool) -> None:
    settings = workspace.config.website
    if not settings.start_urls:
        return
    from scraper.website.crawl import crawl
    from scraper.website.database import FrontierInUseError

    try:
        result = asyncio.run(crawl(settings, workspace.raw, force=force))
    except (UsageError, FrontierInUseError):
        raise
    except OnbrandError as error:
        harvest.set_aside("website", "website", error)
        return
    harvest.counts = {
        "pages": result.pages,
        "pages.rendered": result.rendered,
        "pages.failed": result.failed,
        "pages.disallowed": result.disallowed,
        "pages.resumed-from": result.resumed_from,
        "pages.aliases": result.aliases,
        "pages.traps": result.traps,
        "pages.excluded": result.excluded,
        "pages.new": result.changes.new,
        "pages.changed": result.changes.changed,
        "pages.unchanged": result.changes.unchanged,
        "pages.gone": result.changes.gone,
    }
    harvest.passing = result.passing
    harvest.working += 1


def _keep_earlier(workspace: Workspace, harvest: Harvest) -> None:
    """Note each broken source, and keep what an earlier scrape found there.

    Earlier pages stay where they lie within the site, and all that crawls left goes where there no
    longer is one. Posts that were bought are kept already.
    """
    if not workspace.config.website.start_urls:
        from scraper.website.results import remove_results

        remove_results(workspace.raw)
    for name, error in harvest.broken.items():
        count, what = harvest.runs.get(name, 0), "post"
        if name == "website":
            from scraper.website.crawl import keep_earlier_pages

            count, what = keep_earlier_pages(workspace.config.website, workspace.raw), "page"
            harvest.counts["pages"] = count
        verb = "stays" if count == 1 else "stay"
        stays = f" The {plural(count, what)} of an earlier scrape {verb}." if count else ""
        notes.print(f"{error}{stays}", style="yellow", markup=False)


def _write(
    workspace: Workspace,
    harvest: Harvest,
    config_hash: str,
    inputs: dict[str, str],
    started_at: str,
) -> Manifest:
    folder = workspace.raw
    counts = dict(harvest.counts)
    for platform in _PLATFORMS:
        counts[f"posts.{platform}"] = sum(post.source == platform for post in harvest.posts)
    raw.write_raw(folder / raw.POSTS, harvest.posts)
    write_bought(folder / BOUGHT, harvest.bought)
    counts["files"] = raw.write_raw(folder / raw.FILES, harvest.files)
    counts["failed"] = raw.write_raw(folder / raw.FAILED, harvest.failed)
    manifest = Manifest(
        command="scrape",
        config_hash=config_hash,
        inputs=inputs,
        versions=versions("apify-client", "charset-normalizer", "aiohttp", "pyppeteer"),
        counts=counts,
        output_hash=_output_hash(workspace),
        started_at=started_at,
        finished_at=now(),
        details={
            "broken": {name: str(error) for name, error in harvest.broken.items()},
            **({_PASSING: harvest.passing} if harvest.passing else {}),
        },
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
