"""Export files as Apify writes them: JSON, JSON Lines, or CSV with flattened columns."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from onbrand.errors import OnbrandError, UsageError
from scraper.raw import Failed, Post
from scraper.social import facebook, instagram
from scraper.social.fields import error_of

Platform = Literal["facebook", "instagram"]
_PARSERS: dict[Platform, ModuleType] = {"facebook": facebook, "instagram": instagram}
_AN: dict[Platform, str] = {"facebook": "a Facebook", "instagram": "an Instagram"}


@dataclass(frozen=True)
class Parsed:
    """What a list of items held."""

    posts: list[Post]
    failed: list[Failed]


def read_export(path: Path, name: str, platform: Platform) -> Parsed:
    """Read an export file; `name` is what messages and locators call it.

    Raises:
        UsageError: the file is not there.
        OnbrandError: the file as a whole cannot be used (no JSON, empty, other format).
    """
    key = f"social.{platform}_exports"
    try:
        items, failed = _items(path.read_bytes(), name, platform)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        raise (UsageError if missing else OnbrandError)(
            f"{name}, named in {key}, cannot be read: {error.strerror or error}."
        ) from error
    except ValueError as error:
        raise OnbrandError(
            f"{name}, named in {key}, is neither JSON, JSON Lines nor CSV ({error}); "
            "export the data set from Apify again."
        ) from error
    if not items:
        raise OnbrandError(f"{name}, named in {key}, is empty; export the data set again.")
    _check_format(items, name, platform)
    parsed = parse_items(items, name, platform)
    return Parsed(parsed.posts, failed + parsed.failed)


def parse_items(items: list[tuple[int, Any]], name: str, platform: Platform) -> Parsed:
    """Parse (number, item) pairs; an item that is no post of this platform is set aside."""
    parser = _PARSERS[platform]
    posts: list[Post] = []
    failed: list[Failed] = []
    for number, item in items:
        locator = f"{name}, item {number}"
        if not isinstance(item, dict):
            failed.append(Failed(source=platform, locator=locator, reason="it is no JSON object"))
            continue
        for part in parser.posts_in(item):
            result = parser.parse(part, locator)
            (posts if isinstance(result, Post) else failed).append(result)
    return Parsed(posts, failed)


def _check_format(items: list[tuple[int, Any]], name: str, platform: Platform) -> None:
    """Refuse a file in which nothing is an item of this platform's actor.

    Error items look alike on both platforms, so they decide only where there is nothing else.
    """
    objects = [item for _, item in items if isinstance(item, dict)]
    if any(_PARSERS[platform].is_item(item) for item in objects):
        return
    other: Platform = "facebook" if platform == "instagram" else "instagram"
    if any(_PARSERS[other].is_item(item) for item in objects):
        raise OnbrandError(
            f"{name} is {_AN[other]} export, but it is named in social.{platform}_exports; "
            f"move it to social.{other}_exports."
        )
    if any(error_of(item) for item in objects):
        return
    raise OnbrandError(
        f"{name}, named in social.{platform}_exports, holds no {platform.title()} posts as "
        f"Apify's scraper writes them; see docs/scraper.md for the formats."
    )


def _items(
    data: bytes, name: str, platform: Platform
) -> tuple[list[tuple[int, Any]], list[Failed]]:
    """Numbered items, from 1, and the JSON lines that could not be read."""
    text = data.decode(json.detect_encoding(data)).removeprefix("\ufeff").strip()
    if not text:
        return [], []
    if text[0] not in "[{":
        return list(enumerate(_csv_items(text), 1)), []
    try:
        return list(enumerate(_unwrap(json.loads(text)), 1)), []
    except json.JSONDecodeError:
        if text[0] != "{":
            raise
    return _json_lines(text, name, platform)


def _unwrap(value: Any) -> list[Any]:
    """A list of items, also where it lies under `items` or is a single item."""
    if isinstance(value, dict):
        inner = value.get("items", value.get("data"))
        return _unwrap(inner) if isinstance(inner, list | dict) else [value]
    return value if isinstance(value, list) else []


def _json_lines(
    text: str, name: str, platform: Platform
) -> tuple[list[tuple[int, Any]], list[Failed]]:
    items: list[tuple[int, Any]] = []
    failed: list[Failed] = []
    error: json.JSONDecodeError | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            items.append((number, json.loads(line)))
        except json.JSONDecodeError as problem:
            error = problem
            reason = f"the line is no JSON ({problem.msg})"
            locator = f"{name}, item {number}"
            failed.append(Failed(source=platform, locator=locator, reason=reason))
    if error and not items:
        raise error
    return items, failed


def _csv_items(text: str) -> Iterator[dict[str, Any]]:
    """Rows of a CSV as nested items; columns such as `user/name` and `hashtags/0` are unfolded.

    Raises:
        ValueError: this is no table with a header.
    """
    csv.field_size_limit(2**31 - 1)  # captions with their comments pass the default of 128 KiB
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if len(rows.fieldnames or []) < 2:
        raise ValueError("it begins with neither [ nor {, and not with a row of column names")
    for row in rows:
        item: dict[str, Any] = {}
        for column, value in row.items():
            if column and value:
                _place(item, column.split("/"), value)
        yield {key: _listed(value) for key, value in item.items()}


def _place(item: dict[str, Any], path: list[str], value: str) -> None:
    for key in path[:-1]:
        inner = item.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        item = inner
    item[path[-1]] = value


def _listed(value: Any) -> Any:
    """Objects whose keys are 0, 1, 2, … become lists."""
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(part) for key, part in value.items()}
    if all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner
