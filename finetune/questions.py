"""Questions with answers from files that a person keeps: `[examples] question_files`.

A row that cannot be used is set aside with its reason, in `models/questions-rejected.jsonl`.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from finetune.overlap import Runs, shared_run
from onbrand.errors import UsageError

COPIED = 8
"""So many words in a row that a held-out text has too would spoil its evaluation."""
_COLUMNS = ("question", "answer")
_LONGEST_FIELD = 2**31 - 1


@dataclass(frozen=True)
class QuestionAnswer:
    """One row of a question file."""

    place: str
    """File and line, such as `faq.csv:12`."""
    question: str
    answer: str


@dataclass(frozen=True)
class SetAside:
    """A row that is not learned from."""

    place: str
    reason: str
    question: str = ""
    answer: str = ""


Row = QuestionAnswer | SetAside


def read_questions(path: Path) -> Iterator[Row]:
    """The rows of a .csv file (columns question and answer) or .jsonl file (keys of these names).

    Capitals and a plural s in the names make no difference.

    Raises:
        UsageError: no such file, not UTF-8, of another kind, or without these columns.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8; save it in that encoding.") from error
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); correct [examples] question_files."
        ) from error
    if path.suffix.lower() == ".csv":
        return _read_csv(path, text)
    if path.suffix.lower() == ".jsonl":
        return _read_jsonl(path, text)
    raise UsageError(f"{path}: [examples] question_files takes .csv and .jsonl files only.")


def screen(
    rows: Iterable[Row], held_out: Runs, leaves_room: Callable[[str], bool]
) -> Iterator[Row]:
    """Set aside what is not to be learned from.

    Rows that repeat another, questions that leave no room for an answer, and answers that share
    `COPIED` words in a row with the held-out texts.
    """
    seen: dict[tuple[str, str], str] = {}
    for row in rows:
        if isinstance(row, SetAside):
            yield row
            continue
        first = seen.setdefault((row.question, row.answer), row.place)
        if first != row.place:
            yield _set_aside(row, f"it repeats {first}")
        elif not leaves_room(row.question):
            yield _set_aside(row, "its question leaves no room in [tune] max_tokens")
        elif shared := shared_run(row.answer, held_out, COPIED):
            yield _set_aside(row, f'a held-out text has its words "{shared}" too')
        else:
            yield row


def _set_aside(row: QuestionAnswer, reason: str) -> SetAside:
    return SetAside(row.place, reason, row.question, row.answer)


def _read_csv(path: Path, text: str) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_FIELD)
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns = [_column(name) for name in next(reader, [])]
    if not set(_COLUMNS) <= set(columns):
        raise UsageError(
            f"{path} has the columns {', '.join(filter(None, columns)) or '(none)'}; "
            "name two of them question and answer, in its first line."
        )
    while True:
        place = f"{path.name}:{reader.line_num + 1}"
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield SetAside(place, f"it is not CSV: {error}, read up to line {reader.line_num}")
            continue
        if len(fields) > len(columns):
            yield SetAside(place, f"it has {len(fields)} fields and the header {len(columns)}")
        elif any(map(str.strip, fields)):
            given = dict(zip(columns, fields, strict=False))
            yield _row(place, given.get("question"), given.get("answer"))


def _read_jsonl(path: Path, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        place = f"{path.name}:{number}"
        if not line.strip():
            continue
        try:
            given = json.loads(line)
        except ValueError as error:
            yield SetAside(place, f"it is not JSON: {error}")
            continue
        if not isinstance(given, dict):
            yield SetAside(place, "it is no JSON object")
            continue
        named = {_column(name): value for name, value in given.items()}
        yield _row(place, named.get("question"), named.get("answer"))


def _row(place: str, question: object, answer: object) -> Row:
    given = (question, answer)
    texts = [value.strip() if isinstance(value, str) else "" for value in given]
    for name, value, text in zip(_COLUMNS, given, texts, strict=True):
        if not isinstance(value, str):
            return SetAside(place, f"it has no text as {name}", *texts)
        if not text:
            return SetAside(place, f"its {name} is empty", *texts)
    return QuestionAnswer(place, *texts)


def _column(name: str) -> str:
    return name.strip().casefold().removesuffix("s")
