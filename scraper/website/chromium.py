"""The Chromium process: found, started, and never left behind."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

START_SECONDS = 30.0
HOW_TO_INSTALL = "`sudo apt-get install chromium`, or set ONBRAND_CHROMIUM to its path"

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-features=site-per-process,Translate",
    "--block-new-web-contents",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
    "--remote-debugging-port=0",
]
# Nothing outlives us: the shell ends the whole process group when Chromium ends, and when its own
# standard input closes, which the kernel sees to even when this process is killed. In that case it
# is also the shell that removes the profile.
_WATCHDOG = """
profile=$1; shift
("$@" </dev/null; kill -9 0) &
trap '' TERM
read -r _
kill -TERM 0; sleep 0.5; rm -rf "$profile"
kill -9 0
"""


class BrowserUnavailableError(Exception):
    """There is no Chromium, or it does not start; says why."""


def find_chromium() -> str | None:
    """Path of Chromium: `ONBRAND_CHROMIUM`, else the first of the usual names on the PATH."""
    if chosen := os.environ.get("ONBRAND_CHROMIUM"):
        return shutil.which(chosen)
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


class ChromiumProcess:
    """A running Chromium with an empty profile of its own."""

    def __init__(self, executable: str) -> None:
        self._profile = Path(tempfile.mkdtemp(prefix="onbrand-chromium-"))
        self._log = self._profile / "stderr.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "/bin/sh",
                    "-c",
                    _WATCHDOG,
                    "sh",
                    str(self._profile),
                    executable,
                    *_FLAGS,
                    f"--user-data-dir={self._profile}",
                    "about:blank",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "TMPDIR": str(self._profile)},
                start_new_session=True,  # a Ctrl-C in the terminal is for us to pass on
            )

    async def endpoint(self) -> str:
        """The DevTools WebSocket address, as soon as Chromium has written it into its profile.

        Raises:
            BrowserUnavailableError: it ended, or took longer than 30 s.
        """
        place = self._profile / "DevToolsActivePort"
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up and self._process.poll() is None:
            lines = place.read_text().split() if place.is_file() else []
            if len(lines) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            await asyncio.sleep(0.05)
        said = self._log.read_text(errors="replace").strip().splitlines() or ["no message"]
        raise BrowserUnavailableError(f"Chromium does not start ({said[-1]})")

    def kill(self) -> None:
        """End Chromium with all its processes and remove its profile."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        for _ in range(40):  # its processes may still be going, and writing
            shutil.rmtree(self._profile, ignore_errors=True)
            if not self._profile.exists():
                break
            time.sleep(0.025)
