"""The Chromium process: found, started, and never left behind."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

START_SECONDS = 30.0
HOW_TO_INSTALL = "`sudo apt-get install chromium`, or set ONBRAND_CHROMIUM to its path"

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = [
    "--headless",
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
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--no-startup-window",
    "--block-new-web-contents",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
    "--remote-debugging-port=0",
]
# The omnibox of every window would be a page of its own, and cost more than ours.
_WITHOUT = (
    "--disable-features=site-per-process,Translate,WebUIOmniboxPopup,WebUIOmniboxAimPopup,"
    "SpareRendererForSitePerProcess,BackForwardCache"
)
_LOCAL_CHECKS = "LocalNetworkAccessChecks"
_NO_SANDBOX = "--no-sandbox"
_SANDBOX_TROUBLE = ("sandbox", "namespace")
# What pages ask to be loaded ahead (speculation rules, preconnect) is asked for by the browser
# itself, out of sight of the interception: 2 is "never".
_PREFERENCES = {"net": {"network_prediction_options": 2}}
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


async def start_chromium(executable: str, *, may_be_local: bool) -> tuple["ChromiumProcess", str]:
    """A running Chromium and its DevTools address.

    It has its sandbox, unless it does not start with it: as root, and in containers that forbid
    user namespaces. Chromium's own checks keep pages off the local network, unless the site may be
    there.

    Raises:
        BrowserUnavailableError: it ended, or took longer than 30 s.
    """
    features = f"{_WITHOUT},{_LOCAL_CHECKS}" if may_be_local else _WITHOUT
    flags = [_NO_SANDBOX] if os.geteuid() == 0 else []
    while True:
        process = ChromiumProcess(executable, [features, *flags])
        try:
            return process, await process.endpoint()
        except BrowserUnavailableError:
            said = process.said().lower()
            await process.kill()
            if flags or not any(word in said for word in _SANDBOX_TROUBLE):
                raise
            flags = [_NO_SANDBOX]
        except BaseException:
            await process.kill()
            raise


class ChromiumProcess:
    """A running Chromium with an empty profile of its own."""

    def __init__(self, executable: str, flags: Sequence[str] = ()) -> None:
        self._profile = Path(tempfile.mkdtemp(prefix="onbrand-chromium-"))
        (self._profile / "Default").mkdir()
        (self._profile / "Default" / "Preferences").write_text(json.dumps(_PREFERENCES))
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
                    *flags,
                    f"--user-data-dir={self._profile}",
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
        said = self.said().splitlines() or ["no message"]
        raise BrowserUnavailableError(f"Chromium does not start ({said[-1]})")

    def said(self) -> str:
        """What Chromium wrote to its standard error."""
        return self._log.read_text(errors="replace").strip()

    async def kill(self) -> None:
        """End Chromium with all its processes, at once, and remove its profile."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await asyncio.to_thread(self._clear_away)

    def _clear_away(self) -> None:
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        for _ in range(40):  # its processes may still be going, and writing
            shutil.rmtree(self._profile, ignore_errors=True)
            if not self._profile.exists():
                break
            time.sleep(0.025)
