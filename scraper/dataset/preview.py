"""`dataset/preview.html`: the records to read and search in a browser, the dropped ones too.

One file that asks for nothing else. Records are held as JSON that cannot end its `<script>` block,
and the page's own script shows them as text, never as markup. The Content-Security-Policy allows
that script and that style sheet by their hashes and nothing else, so that a text which looks like
HTML could not run even if it got into the page (https://www.w3.org/TR/CSP3/).
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from onbrand.record import Record
from scraper.clean.rejected import Rejected
from scraper.clean.steps import MEANING
from scraper.dataset.split import Splits
from scraper.dataset.statistics import UNKNOWN, Bin, Marks, Part, Statistics

SHOWN_CHARACTERS = 10_000
"""Longer texts are cut in the preview, which says so; the data set holds them whole."""

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p>{kept:,} texts kept, {dropped:,} dropped. {words:,} words.</p>
</header>
<main>
<details class="figures">
<summary>Figures</summary>
<div class="charts">
{charts}
</div>
{steps}
</details>
<form id="filters" role="search" aria-label="Records">
<label class="search">Search<input id="search" type="search" autocomplete="off"></label>
{selects}
<button type="reset">Reset</button>
</form>
<p id="count" role="status"></p>
<noscript><p>Searching and listing the records needs JavaScript. They are in
clean/records.jsonl and clean/rejected.jsonl too.</p></noscript>
<ol id="records"></ol>
<button id="more" type="button" hidden>Show more</button>
</main>
<script id="data" type="application/json">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def preview(
    splits: Splits, rejected: Sequence[Rejected], statistics: Statistics, brand: str
) -> str:
    """The page, as HTML.

    Args:
        splits: the kept records.
        rejected: the dropped ones, with step and reason.
        statistics: of the kept ones.
        brand: its name, for the title.
    """
    here = Path(__file__)
    style = here.with_name("preview.css").read_text(encoding="utf-8")
    script = here.with_name("preview.js").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; style-src '{_hash_source(style)}'; "
        f"script-src '{_hash_source(script)}'; base-uri 'none'; form-action 'none'"
    )
    title = f"What {' '.join(brand.split()) or 'the brand'} says in public"
    return _PAGE.format(
        policy=policy,
        title=escape(title),
        style=style,
        script=script,
        kept=statistics.records,
        dropped=len(rejected),
        words=statistics.words.total,
        charts="\n".join(_charts(statistics)),
        steps=_steps(statistics),
        selects="\n".join(_selects(splits, rejected)),
        data=_as_data(_entries(splits, rejected)),
    )


def _hash_source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _entries(splits: Splits, rejected: Iterable[Rejected]) -> list[dict[str, object]]:
    kept = [_entry(record, split=name) for name, part in splits.items() for record in part]
    dropped = [_entry(item.record, step=item.step, reason=item.reason) for item in rejected]
    return kept + dropped


def _entry(
    record: Record, *, split: str = "", step: str = "", reason: str = ""
) -> dict[str, object]:
    """What the page shows of a record; what is empty is left out."""
    values = {
        "id": record.id,
        "source": record.source,
        "url": record.url,
        "title": record.title,
        "text": record.text[:SHOWN_CHARACTERS],
        "cut": max(len(record.text) - SHOWN_CHARACTERS, 0),
        "date": (record.published_at or "")[:10],
        "language": record.language,
        "author": record.author,
        "group": "" if record.group == record.id else record.group,
        "split": split,
        "step": step,
        "reason": reason,
    }
    return {name: value for name, value in values.items() if value}


def _as_data(entries: Sequence[Mapping[str, object]]) -> str:
    """JSON, a line per record, without the characters that could end or open an element."""
    text = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"[{text}]"


def _selects(splits: Splits, rejected: Sequence[Rejected]) -> Iterable[str]:
    records = [*(r for part in splits.values() for r in part), *(r.record for r in rejected)]
    languages = sorted({record.language for record in records if record.language})
    steps = sorted({item.step for item in rejected})
    yield _select("state", "Kept or dropped", [
        ("kept", "kept"), ("dropped", "dropped"), *((s, f"dropped: {s}") for s in steps)
    ])  # fmt: skip
    yield _select("split", "Split", [(name, name) for name in splits])
    sources = sorted({record.source for record in records})
    yield _select("source", "Source", [(name, name) for name in sources])
    unsure = [("-", "not sure")] if any(not record.language for record in records) else []
    yield _select("language", "Language", [*((code, code) for code in languages), *unsure])


def _select(name: str, label: str, options: Iterable[tuple[str, str]]) -> str:
    choices = "".join(
        f'<option value="{escape(value)}">{escape(shown)}</option>' for value, shown in options
    )
    return (
        f'<label>{label}<select id="{name}"><option value="">all</option>{choices}</select></label>'
    )


def _charts(statistics: Statistics) -> Iterable[str]:
    yield _chart("Split", _records(statistics.by_split))
    yield _chart("Source", _records(statistics.by_source))
    yield _chart("Words in a text", {_range(b): b.records for b in statistics.word_histogram})
    yield _chart("Language", _records(statistics.by_language))
    yield _chart("Year", _records(statistics.by_year))
    yield _chart(*_marks("Hashtags", "#", statistics.hashtags))
    yield _chart(*_marks("Emoji", "", statistics.emoji))


def _records(parts: Mapping[str, Part]) -> dict[str, int]:
    return {("not known" if n == UNKNOWN else n): part.records for n, part in parts.items()}


def _range(found: Bin) -> str:
    return f"{found.least}–{found.below - 1}" if found.below else f"{found.least} or more"


def _marks(label: str, sign: str, marks: Marks) -> tuple[str, dict[str, int]]:
    shown = dict(list(marks.top.items())[:10])
    return (
        f"{label} (in {marks.record_share:.0%} of the texts)",
        {f"{sign}{name}": count for name, count in shown.items()},
    )


def _chart(title: str, counts: Mapping[str, int]) -> str:
    """A table whose bars are drawn for the eye; the figures are there for everyone."""
    if not counts:
        return ""
    most = max(counts.values()) or 1
    rows = "".join(
        f'<tr><th scope="row"><bdi>{escape(name)}</bdi></th><td class="bar"><svg height="10" '
        f'aria-hidden="true"><rect width="{100 * count / most:.1f}%" height="10" rx="2"/></svg>'
        f'</td><td class="figure">{count:,}</td></tr>'
        for name, count in counts.items()
    )
    return f"<table><caption>{escape(title)}</caption><tbody>{rows}</tbody></table>"


def _steps(statistics: Statistics) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(step.step)}</th><td>{escape(MEANING.get(step.step, ""))}</td>'
        f'<td class="figure">{sum(step.came_in.values()):,}</td>'
        f'<td class="figure">{sum(step.changed.values()):,}</td>'
        f'<td class="figure">{sum(step.dropped.values()):,}</td></tr>'
        for step in statistics.steps
    )
    return (
        '<table class="steps"><caption>Steps of cleaning</caption><thead><tr><th scope="col">Step'
        '</th><th scope="col">What it does</th><th scope="col">Came in</th>'
        '<th scope="col">Changed</th><th scope="col">Dropped</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
