"""`onbrand build`: raw texts to clean records, and those to a data set with an honest holdout."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from onbrand.artifact import (
    MANIFEST_NAME,
    Manifest,
    Outcome,
    folder_hash,
    now,
    read_manifest,
    up_to_date,
    versions,
    write_manifest,
)
from onbrand.atomic import atomic_folder
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from onbrand.plural import plural
from onbrand.record import Record, read_records, write_records
from onbrand.workspace import Workspace
from scraper import raw
from scraper.clean.changes import write_changes
from scraper.clean.marks import read_marks
from scraper.clean.phones import is_region
from scraper.clean.pipeline import clean
from scraper.clean.rejected import StepCount, read_rejected, write_rejected
from scraper.clean.sources import file_records, page_texts, post_records
from scraper.clean.street import STREET_COUNTRIES
from scraper.dataset.files import DATASET_FILES
from scraper.files import root_name

RECORDS = "records.jsonl"
REJECTED = "rejected.jsonl"
CHANGES = "changes.jsonl"
_CLEANERS = ("ftfy", "phonenumbers", "py3langid", "regex", "trafilatura")


def build(workspace: Workspace, *, force: bool = False) -> Outcome:
    """Clean what `scrape` left in `raw/` into `clean/`, and split it into `dataset/`.

    Returns the data set's manifest; its counts tell what came in, was dropped by which step, was
    kept, and went into which split. Equal input gives equal bytes and an equal `output_hash`.

    Raises:
        UsageError: clean.phone_region is no country, or one whose street addresses are unknown.
        OnbrandError: there is no finished scrape, or too little is left for a data set.
    """
    config = workspace.config
    if not is_region(config.clean.phone_region):
        raise UsageError(
            f"clean.phone_region = {config.clean.phone_region!r} is no ISO 3166 country code in "
            "capitals, such as US, GB or PK."
        )
    if config.clean.street_addresses and config.clean.phone_region not in STREET_COUNTRIES:
        raise UsageError(
            "clean.street_addresses knows the addresses of CA, GB and US only; clean.phone_region "
            f"is {config.clean.phone_region}, so set clean.street_addresses = false."
        )
    scraped = read_manifest(workspace.raw)
    if scraped is None:
        raise OnbrandError(f"{workspace.raw} holds no finished scrape; run `onbrand scrape` first.")
    cleaned, clean_current = _clean(workspace, scraped.output_hash, force)
    made, current = _split(workspace, cleaned, force or not clean_current)
    if not current:
        from scraper.dataset.report import report

        notes.print(*report(made))
    return Outcome(made, was_current=current)


def _clean(workspace: Workspace, raw_hash: str, force: bool) -> tuple[Manifest, bool]:
    folder, config = workspace.clean, workspace.config
    config_hash, inputs = config.hash_for("clean"), {"raw": raw_hash}
    manifest = up_to_date(folder, config_hash, inputs)
    if manifest and not force and _are_there(folder, (RECORDS, REJECTED, CHANGES)):
        return manifest, True
    started_at = now()
    found, own_texts = _read(workspace)
    _note_accounts(found, config.social.accounts)
    roots = [root_name(workspace, path) for path in config.files.paths]
    marks = read_marks(workspace.raw)
    result = clean(found, config.clean, config.social.accounts, roots, marks, own_texts)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST_NAME).unlink(missing_ok=True)  # from here on the files are not of one build
    write_rejected(folder / REJECTED, result.rejected)
    write_changes(folder / CHANGES, result.changes)
    write_records(folder / RECORDS, result.records)
    manifest = Manifest(
        command="build",
        config_hash=config_hash,
        inputs=inputs,
        versions=versions(*_CLEANERS),
        counts=result.counts(),
        output_hash=folder_hash(folder, "*.jsonl"),
        started_at=started_at,
        finished_at=now(),
        details={"steps": [step.model_dump() for step in result.steps]},
    )
    write_manifest(folder, manifest)
    return manifest, False


def _are_there(folder: Path, names: Iterable[str]) -> bool:
    return all((folder / name).is_file() for name in names)


def _read(workspace: Workspace) -> tuple[list[Record], dict[str, str]]:
    """All records, and of the pages' the text that is theirs alone, by id."""
    fetched = list(raw.read_raw(workspace.raw / raw.PAGES, raw.Page))
    pages = list(page_texts(fetched, workspace.config.clean.repeated_block_share))
    own: dict[str, str] = {}
    for page in pages:
        own.setdefault(page.record.id, page.own)
    posts, files = post_records(workspace.raw), file_records(workspace.raw)
    return [*(page.record for page in pages), *posts, *files], own


def _note_accounts(records: list[Record], accounts: list[str]) -> None:
    """Say so when posts of several accounts are taken for the brand's."""
    authors = Counter(record.author for record in records if record.author)
    if accounts or len(authors) < 2:
        return
    listed = ", ".join(f"{author} ({count})" for author, count in authors.most_common())
    notes.print(
        f"Posts of {len(authors)} accounts are kept; name the brand's own in social.accounts to "
        f"drop the others: {listed}",
        style="yellow",
        markup=False,
    )


def _split(workspace: Workspace, cleaned: Manifest, force: bool) -> tuple[Manifest, bool]:
    folder, config = workspace.dataset, workspace.config
    config_hash = config.hash_for("dataset")
    inputs = {"clean": cleaned.output_hash}
    manifest = up_to_date(folder, config_hash, inputs)
    if manifest and not force and _are_there(folder, DATASET_FILES):
        return manifest, True
    from scraper.dataset.split import split
    from scraper.dataset.table import splits_hash
    from scraper.dataset.write import write_dataset

    started_at = now()
    records = list(read_records(workspace.clean / RECORDS))
    rejected = list(read_rejected(workspace.clean / REJECTED))
    steps = [StepCount.model_validate(step) for step in cleaned.details["steps"]]
    try:
        splits = split(records, config.dataset)
    except OnbrandError as error:
        raise OnbrandError(f"{error}; {_why_so_few(cleaned.counts)}.") from error
    manifest = Manifest(
        command="build",
        config_hash=config_hash,
        inputs=inputs,
        seed=config.dataset.seed,
        versions=versions("datasets", *_CLEANERS),
        counts={**cleaned.counts, **{name: len(part) for name, part in splits.items()}},
        output_hash=splits_hash(splits),
        started_at=started_at,
        finished_at=now(),
        details={"steps": cleaned.details["steps"]},
    )
    with atomic_folder(folder) as partial:
        write_dataset(partial, splits, rejected, steps, config, manifest)
        write_manifest(partial, manifest)
    return manifest, False


def _why_so_few(counts: dict[str, int]) -> str:
    came_in = sum(count for name, count in counts.items() if name.startswith("in."))
    dropped = [
        f"{count} {name.removeprefix('dropped.')}"
        for name, count in counts.items()
        if name.startswith("dropped.")
    ]
    reasons = f" (dropped: {', '.join(dropped)}; see clean/{REJECTED})" if dropped else ""
    return f"{plural(came_in, 'text')} came in{reasons}"
