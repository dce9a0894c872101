"""Helpers of the tests that render: a crawl, what it left, and the Chromiums that it started."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from onbrand.config import Website
from scraper.website.chromium import find_chromium
from tests.scraper.website.site import Site

needs_chromium = pytest.mark.skipif(
    find_chromium() is None, reason="Chromium is not installed (apt-get install chromium)"
)


def settings(site: Site, **values: object) -> Website:
    """A limit that no page comes near, however busy the machine is."""
    return Website.model_validate({"start_urls": [site.url], "timeout_seconds": 30.0, **values})


@contextmanager
def own_profiles(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this test's Chromiums have their profiles, which tells them from others.

    A short path, unlike tmp_path: Chromium puts a Unix socket there (107 bytes at most).
    """
    with tempfile.TemporaryDirectory(prefix="ob-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)  # read TMPDIR again
        yield Path(folder)


def chromiums(profiles: Path) -> list[int]:
    """Chromium processes that this test started and that still run."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and any(str(profiles) in argument for argument in process.info["cmdline"] or [])
    ]


def write(text: str) -> str:
    """A script that writes a text."""
    return f"document.getElementById('root').innerHTML += '<main>{text}</main>';"


def wait_until(true: Callable[[], object], seconds: float = 20.0) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.05)
