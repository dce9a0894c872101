"""What people answered: read back, the blinding taken off, counted."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from eval.compare.preference import Decided, Winner, preference
from eval.generate.stage_files import Generated, Rating
from eval.people.questions import Key, Question
from eval.people.sheet import CHOICES
from eval.report.schema import BRAND, AgreementRow, PreferenceRow
from eval.statistics import agreement
from onbrand.errors import OnbrandError

BY = "people"
_ANSWERS = {value for value, _ in CHOICES}
_VALUES: dict[Winner, float] = {"a": 0.0, "tie": 1.0, "b": 2.0}


def read_ratings(paths: Sequence[Path], key: Key, models: Sequence[str]) -> list[Rating]:
    """Read filled-in sheets, of one person or of several each.

    Args:
        paths: CSV files with the columns number, answer and rater; others are passed over.
        key: of the sheet that was handed out.
        models: in the report's order, which says who is `a` and who `b`.

    Raises:
        OnbrandError: a file cannot be read, has other columns, or an answer that is none.
    """
    questions = {question.number: question for question in key.questions}
    order = [*models, BRAND]
    ratings: dict[tuple[str, int], Rating] = {}
    for path in paths:
        for number, answer, rater in _lines(path, questions):
            question = questions[number]
            a, b = sorted((question.left, question.right), key=order.index)
            chosen = {"left": question.left, "right": question.right}.get(answer)
            winner: Winner = "tie" if chosen is None else "a" if chosen == a else "b"
            ratings[rater, number] = Rating(
                rater=rater, question=number, id=question.id, a=a, b=b, winner=winner
            )
    if not ratings:
        names = ", ".join(str(path) for path in paths)
        raise OnbrandError(f"{names}: nobody has answered anything; fill in the column answer.")
    return list(ratings.values())


def preferred(generated: Generated) -> list[PreferenceRow]:
    """People's preference between every two rows, each text decided by the majority."""
    shown = {
        card.name: {output.id: output.shown for output in generated.of(card.name)}
        for card in generated.setup.models
    }
    shown[BRAND] = {text.id: text.second_half for text in generated.texts}
    groups = {text.id: text.group for text in generated.texts}
    rows = []
    for a, b in dict.fromkeys((rating.a, rating.b) for rating in generated.ratings):
        own = [rating for rating in generated.ratings if (rating.a, rating.b) == (a, b)]
        decided = [
            Decided(id_, groups[id_], _majority(own, id_), shown[a][id_], shown[b][id_])
            for id_ in dict.fromkeys(rating.id for rating in own)
        ]
        rows.append(preference(BY, a, b, decided, generated.setup.seed, None))
    return rows


def agreed(generated: Generated) -> AgreementRow | None:
    """Whether the people agree, over all questions; None when nobody was asked."""
    if not generated.ratings:
        return None
    raters = list(dict.fromkeys(rating.rater for rating in generated.ratings))
    questions = sorted({rating.question for rating in generated.ratings})
    given = {(rating.rater, rating.question): rating.winner for rating in generated.ratings}
    table = [
        [_VALUES[given[rater, q]] if (rater, q) in given else None for q in questions]
        for rater in raters
    ]
    found = agreement(table, "nominal", generated.setup.seed)
    return AgreementRow(
        alpha=found.alpha,
        low=found.low,
        high=found.high,
        raters=found.raters,
        texts=found.texts,
        is_usable=found.is_usable,
    )


def _majority(ratings: Sequence[Rating], id_: str) -> Winner:
    votes = Counter(rating.winner for rating in ratings if rating.id == id_)
    lead = votes["b"] - votes["a"]
    return "tie" if lead == 0 else "b" if lead > 0 else "a"


def _lines(path: Path, questions: dict[int, Question]) -> Iterator[tuple[int, str, str]]:
    """Question, answer and rater of each answered line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise OnbrandError(f"{path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise OnbrandError(f"{path} is not UTF-8; save it as CSV UTF-8.") from error
    delimiter: Literal[";", ","] = ";" if ";" in text.partition("\n")[0] else ","
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    if not {"number", "answer"} <= set(rows.fieldnames or ()):
        raise OnbrandError(f"{path} is no rating sheet: it has no columns number and answer.")
    for line, row in enumerate(rows, start=2):
        answer = (row["answer"] or "").strip().lower()
        if not answer:
            continue
        number = (row["number"] or "").strip()
        if answer not in _ANSWERS or not number.isdecimal() or int(number) not in questions:
            raise OnbrandError(
                f"{path}, line {line}: {answer!r} to question {number!r} is no answer to this "
                f"sheet; give {', '.join(value for value, _ in CHOICES)}."
            )
        yield int(number), answer, (row.get("rater") or "").strip() or path.stem
