"""What a scrape has collected so far, and which of its sources gave nothing."""

from dataclasses import dataclass, field

from onbrand.console import notes
from onbrand.errors import OnbrandError
from onbrand.plural import plural
from scraper.raw import Failed, Post, TextFile
from scraper.social.bought import Bought
from scraper.social.export import Parsed, Platform


@dataclass
class Harvest:
    """Posts, files and counts; pages are written by the crawl itself."""

    posts: list[Post] = field(default_factory=list)
    files: list[TextFile] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    broken: dict[str, OnbrandError] = field(default_factory=dict)
    """Configured sources that gave nothing at all, with the reason."""
    runs: dict[str, int] = field(default_factory=dict)
    """The actors' runs that were asked for, and the posts at hand from earlier ones."""
    bought: dict[str, Bought] = field(default_factory=dict)
    """Up to when each profile is complete; written after the posts."""
    passing: int = 0
    """URLs of the site that the next scrape tries again."""
    working: int = 0
    """Configured sources that gave something."""

    def take_posts(self, source: str, name: str, parsed: Parsed, apart: int = 0) -> None:
        """Take what an export or a run (`name`) of a source held, and say how much that is.

        Args:
            source: as it is configured.
            name: as messages call it.
            parsed: its posts, and what could not be read.
            apart: posts that are joined with earlier ones elsewhere.
        """
        count = len(parsed.posts) + apart
        said = f"{name}: {plural(count, 'post')}, {len(parsed.failed)} failed"
        notes.print(said, markup=False)
        self.posts += parsed.posts
        self.failed += parsed.failed
        if count:
            self.working += 1
        else:
            self.broken[source] = OnbrandError(f"{name} holds no post that can be read.")

    def set_aside(self, name: str, source: Platform | str, error: OnbrandError) -> None:
        """Count a source as broken."""
        self.broken[name] = error
        self.failed.append(
            Failed.model_validate({"source": source, "locator": name, "reason": str(error)})
        )

    def refuse_nothing(self) -> None:
        """Raise an OnbrandError with all reasons where no source gave anything."""
        if self.working:
            return
        reasons = list(self.broken.values())
        if len(reasons) == 1:
            raise reasons[0]
        raise OnbrandError("Nothing could be scraped: " + " ".join(map(str, reasons)))
