"""The title and the main text of a page, from its HTML alone."""

from dataclasses import dataclass

from scraper.extract.choose import taken
from scraper.extract.markdown import markdown
from scraper.extract.score import Scored, score


@dataclass(frozen=True)
class Extracted:
    """What a reader takes from a page; the text is Markdown."""

    title: str
    text: str
    with_furniture: str
    """The text together with what the site's other pages repeat, where that was told."""


def extract(html: str) -> Extracted:
    """The main text of one page; empty when the page has no text."""
    return chosen_text(score(html))


def chosen_text(scored: Scored) -> Extracted:
    """The blocks of a judged page that are worth taking."""
    chosen = taken(scored.page, scored.chances, scored.sizes)
    text = markdown(scored.page, chosen)
    repeated = [n for n in scored.furniture if n not in set(chosen)]
    whole = markdown(scored.page, sorted([*chosen, *repeated])) if repeated else text
    return Extracted(scored.title, text, whole)
