"""Pages as Chromium shows them after their JavaScript has run.

Everything has a time limit here. One Chromium has several tabs, each with a browser context of its
own, so that they share no cookies; a tab in which something went wrong is thrown away with its
context, which ends its process even where a script loops forever. Where that does not help,
Chromium is killed and started again, and what its tabs were loading is loaded once more.
"""

import asyncio
import contextlib

from scraper.website.chromium import BrowserUnavailableError, ChromiumProcess, start_chromium
from scraper.website.devtools import FAILURES, DevTools
from scraper.website.tab import Access, Document, Rendered, RenderError, Tab

MOST_TABS = 4
LONGEST_SHARE = 0.5
"""Share of the time limit after which a page that never comes to rest is taken as it is."""


class _LostError(Exception):
    """Chromium went away or hangs, which may have been another tab's fault; says what was seen."""


class Browser:
    """One Chromium with up to four tabs, started when it is needed, and again when it is gone."""

    def __init__(
        self, executable: str, tabs: int, user_agent: str, timeout_seconds: float, access: Access
    ) -> None:
        self._executable = executable
        self._user_agent = user_agent
        self._timeout = timeout_seconds
        self._access = access
        self._room = asyncio.Semaphore(min(tabs, MOST_TABS))
        self._starting = asyncio.Lock()
        self._process: ChromiumProcess | None = None
        self._connection: DevTools | None = None
        self._idle: list[Tab] = []
        self._unavailable: str | None = None
        """Why it did not start; it is not tried again."""

    async def render(self, document: Document) -> Rendered:
        """Let a page's JavaScript run, within the time limit, until its text is there.

        Raises:
            RenderError: the page did not come to an end, or could not be loaded.
            BrowserUnavailableError: Chromium does not start.
        """
        async with self._room:
            with contextlib.suppress(_LostError):
                return await self._render(document)
            try:
                return await self._render(document)
            except _LostError as error:
                raise RenderError(str(error)) from error

    async def close(self) -> None:
        """Kill Chromium first: nothing here may wait for a page that hangs."""
        process, connection = self._process, self._connection
        # Before anything is waited for: what another tab starts meanwhile is not to be forgotten.
        self._process, self._connection, self._idle = None, None, []
        if process:
            await process.kill()
        if connection:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(connection.close(), 2.0)

    async def _render(self, document: Document) -> Rendered:
        connection, tab = await self._tab()
        try:
            async with asyncio.timeout(self._timeout):
                rendered = await tab.load(document)
        except FAILURES as error:
            there = await self._throw_away(connection, tab)
            if isinstance(error, TimeoutError):
                reason = f"it did not come to rest within {self._timeout:g} s"
            elif not there:
                reason = "Chromium ended while it was loading"
            elif tab.crashed:
                reason = "its process crashed"
            else:
                reason = str(error) or type(error).__name__
            raise (RenderError if there else _LostError)(reason) from error
        except BaseException:
            await self._throw_away(connection, tab)
            raise
        if connection is self._connection:
            self._idle.append(tab)
        return rendered

    async def _throw_away(self, connection: DevTools, tab: Tab) -> bool:
        """Close a tab, or kill Chromium where it cannot; whether Chromium is still there."""
        if await tab.close():
            return True
        if connection is self._connection:  # another tab may have started a new one meanwhile
            await self.close()
        return False

    async def _tab(self) -> tuple[DevTools, Tab]:
        """An idle tab, or a new one.

        Raises:
            _LostError: Chromium went away, or hangs.
            BrowserUnavailableError: it does not start.
        """
        async with self._starting:
            if self._unavailable:
                raise BrowserUnavailableError(self._unavailable)
            connection = self._connection
            if not connection or not connection.is_open:
                return await self._start()
            if self._idle:
                return connection, self._idle.pop()
            try:
                return connection, await self._open_tab(connection)
            except FAILURES as error:
                if connection is self._connection:
                    await self.close()
                raise _LostError("Chromium ended before it was loaded") from error

    async def _start(self) -> tuple[DevTools, Tab]:
        await self.close()
        may_be_local = await self._access.may_answer("http://127.0.0.1", "127.0.0.1")
        try:
            self._process, endpoint = await start_chromium(
                self._executable, may_be_local=may_be_local
            )
            self._connection = await DevTools.open(endpoint)
            return self._connection, await self._open_tab(self._connection)
        except BrowserUnavailableError as error:
            self._unavailable = str(error)
            raise
        except FAILURES as error:
            await self.close()
            self._unavailable = "Chromium starts but does not answer"
            raise BrowserUnavailableError(self._unavailable) from error

    async def _open_tab(self, connection: DevTools) -> Tab:
        tab = Tab(connection, self._access, self._timeout * LONGEST_SHARE)
        async with asyncio.timeout(self._timeout + 10):
            await tab.open(self._user_agent)
        return tab


__all__ = ["Access", "Browser", "Document", "RenderError", "Rendered"]
