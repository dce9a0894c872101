"""Other people's writing, which a measure of tone must tell from the brand's.

Without it, a classifier that has seen the brand and a model's output only tells people from models.
"""

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from pydoc_data.topics import topics

import regex

from eval.texts import Text
from onbrand.errors import UsageError

_OURS = ("messages", "news", "other_brands", "reviews")
_PROSE = 80
"""Characters below which a paragraph of a manual is a heading or a line of code."""


def built_in_registers() -> dict[str, list[Text]]:
    """By register: short texts written for Onbrand, and Python's own language reference.

    All are in English. For a brand that writes in another language, name files of your own.
    """
    folder = files("eval.tone") / "register_texts"
    ours = {
        name: [
            Text(id=f"{name}-{number}", group=f"{name}-{number}", text=paragraph)
            for number, paragraph in enumerate(
                _paragraphs((folder / f"{name}.txt").read_text("utf-8"))
            )
        ]
        for name in _OURS
    }
    return {**ours, "manual": list(_manual())}


def read_registers(paths: Sequence[Path]) -> dict[str, list[Text]]:
    """Files of the user's own (`eval.registers`), each a register under its file's name.

    `.txt` and `.md`: a text a paragraph. `.jsonl`: `text` of each line, and `group` where given.

    Raises:
        UsageError: a file is not there, holds no text, or is of another kind.
    """
    return {path.stem: _read(path) for path in paths}


def _read(path: Path) -> list[Text]:
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}, which eval.registers names, cannot be read as UTF-8 text ({error})."
        ) from error
    if path.suffix == ".jsonl":
        texts = list(_lines(path, content))
    elif path.suffix in {".txt", ".md"}:
        texts = [
            Text(id=f"{path.stem}-{number}", group=f"{path.stem}-{number}", text=paragraph)
            for number, paragraph in enumerate(_paragraphs(content))
        ]
    else:
        raise UsageError(f"{path}, which eval.registers names, must end in .txt, .md or .jsonl.")
    if not texts:
        raise UsageError(f"{path}, which eval.registers names, holds no text.")
    return texts


def _lines(path: Path, content: str) -> Iterator[Text]:
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text = row["text"]
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f'Line {number} of {path} must be a JSON object with the key "text".'
            ) from error
        name = f"{path.stem}-{number}"
        yield Text(id=name, group=str(row.get("group") or name), text=str(text))


def _paragraphs(content: str) -> list[str]:
    return [part.strip() for part in regex.split(r"\n\s*\n", content) if part.strip()]


def _manual() -> Iterator[Text]:
    """Prose of the language reference; a topic is one document."""
    for topic, content in sorted(topics.items()):
        for number, paragraph in enumerate(content.split("\n\n")):
            if len(paragraph) >= _PROSE and not paragraph.startswith((" ", "*", "|", "=")):
                yield Text(f"manual-{topic}-{number}", topic, " ".join(paragraph.split()))
