"""The table of a crawl's URLs: the level and the state of each, in the file and in memory."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from scraper.website.database import Database

Level = tuple[int, int]
"""Depth and turn."""


@dataclass(frozen=True)
class Entry:
    """A URL that waits to be visited."""

    url: str
    depth: int
    turn: int

    @property
    def level(self) -> Level:
        """Where it stands in the order of the crawl."""
        return self.depth, self.turn


@dataclass
class Sifted:
    """Links by what is to become of them."""

    wanted: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    traps: dict[str, str] = field(default_factory=dict)
    """Reasons, by URL."""


class UrlTable:
    """Known URLs. What each link is asked about is held in memory; the file has it all."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def _load(self) -> None:
        self._levels: dict[str, Level] = {}
        self._states: dict[str, str] = {}
        for url, depth, turn, state in self.db.execute("SELECT url, depth, turn, state FROM url"):
            self._levels[url], self._states[url] = (depth, turn), state
        self._tally = Counter(self._states.values())

    @property
    def done(self) -> int:
        """Pages that are there."""
        return self._tally["done"]

    @property
    def waiting(self) -> int:
        """URLs still to be visited."""
        return self._tally["waiting"]

    def next(self, limit: int) -> list[Entry]:
        """The first URLs, in order, of the earliest level that has any waiting."""
        rows = self.db.execute(
            "SELECT url, depth, turn FROM url WHERE state = 'waiting' AND (depth, turn) = "
            "(SELECT depth, turn FROM url WHERE state = 'waiting' ORDER BY depth, turn LIMIT 1) "
            "ORDER BY url LIMIT ?",
            (limit,),
        )
        return [Entry(*row) for row in rows]

    def waiting_at(self, level: Level) -> list[str]:
        """All URLs that wait at a level, sorted."""
        rows = self.db.execute(
            "SELECT url FROM url WHERE state = 'waiting' AND (depth, turn) = (?, ?) ORDER BY url",
            level,
        )
        return [url for (url,) in rows]

    def level_of(self, url: str) -> Level | None:
        """The earliest level at which a URL was found; None: it is not known."""
        return self._levels.get(url)

    def visited(self) -> Iterator[tuple[Level, str]]:
        """URLs that were asked for, in no order."""
        return (
            (self._levels[url], url)
            for url, state in self._states.items()
            if state in {"done", "failed", "redirect"}
        )

    def is_done(self, url: str) -> bool:
        """Whether there is a page of this URL."""
        return self._states.get(url) == "done"

    def _set(
        self, url: str, state: str, reason: str | None, *, passing: bool = False, **values: object
    ) -> None:
        values |= {"state": state, "reason": reason, "passing": passing}
        names = ", ".join(f"{name} = ?" for name in values)
        self.db.execute(
            f"UPDATE url SET {names}, attempts = attempts + ? WHERE url = ?",  # noqa: S608
            (*values.values(), passing, url),
        )
        self._tally[self._states[url]] -= 1
        self._tally[state] += 1
        self._states[url] = state

    def _add(self, urls: Iterable[str], level: Level) -> None:
        """Let URLs wait at a level, unless they are known from an earlier one."""
        better = [url for url in set(urls) if self._may_move(url, level)]
        self.db.executemany(
            "INSERT INTO url (url, depth, turn, state) VALUES (?, ?, ?, 'waiting') "
            "ON CONFLICT (url) DO UPDATE SET depth = excluded.depth, turn = excluded.turn",
            [(url, *level) for url in better],
        )
        for url in better:
            self._tally["waiting"] += url not in self._states
            self._levels[url], self._states[url] = level, "waiting"

    def _may_move(self, url: str, level: Level) -> bool:
        known = self._levels.get(url)
        return known is None or (self._states[url] == "waiting" and level < known)

    def _add_sifted(self, links: Sifted, level: Level) -> None:
        self._add(links.wanted, level)
        self._add_finished(dict.fromkeys(links.excluded), level, "excluded")
        self._add_finished(links.traps, level, "trap")

    def _add_finished(
        self, urls: Mapping[str, str | None] | Mapping[str, str], level: Level, state: str
    ) -> None:
        """Note URLs that are not to be visited, with the reasons, unless they are known already."""
        new = [url for url in urls if url not in self._states]
        self.db.executemany(
            "INSERT INTO url (url, depth, turn, state, reason) VALUES (?, ?, ?, ?, ?)",
            [(url, *level, state, urls[url]) for url in new],
        )
        self._tally[state] += len(new)
        self._levels |= dict.fromkeys(new, level)
        self._states |= dict.fromkeys(new, state)
