"""What the platforms mark posts as: advertising, or another post passed on."""

from collections.abc import Mapping, Set
from pathlib import Path

from onbrand.record import record_id
from scraper import raw

Marks = Mapping[str, Set[str]]
"""`sponsored` and `shared`: the ids of the records that are marked so."""


def read_marks(folder: Path) -> Marks:
    """The marks of the posts in `raw/`; a post that came twice is marked where either was."""
    marks: dict[str, set[str]] = {"sponsored": set(), "shared": set()}
    for post in raw.read_raw(folder / raw.POSTS, raw.Post):
        for name in marks:
            if getattr(post, name):
                marks[name].add(record_id(post.source, post.post_id))
    return marks
