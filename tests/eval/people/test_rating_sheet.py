import csv
import io
import re
from pathlib import Path

import pytest

from eval.generate.stage_files import Generated, write_stages
from eval.people.questions import KEY_NAME, questions_from, read_key
from eval.people.rate import hand_out
from eval.people.ratings import agreed, preferred, read_ratings
from eval.people.sheet import COLUMNS, CSV_SHEET, HTML_SHEET, write_sheet
from onbrand.errors import OnbrandError, UsageError
from tests.eval.report.sample_report import generated

ROWS = ("base", "tuned")


@pytest.fixture
def made() -> Generated:
    return generated()


@pytest.fixture
def folder(made: Generated, tmp_path: Path) -> Path:
    write_sheet(tmp_path, made, ROWS, 20)
    return tmp_path


def sheet_rows(folder: Path) -> list[dict[str, str]]:
    text = (folder / CSV_SHEET).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def filled(folder: Path, name: str, answers: dict[int, str], delimiter: str = ",") -> Path:
    path = folder / f"{name}.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, delimiter=delimiter)
        writer.writeheader()
        for row in sheet_rows(folder):
            writer.writerow(row | {"answer": answers.get(int(row["number"]), ""), "rater": name})
    return path


def favouring(folder: Path, row: str) -> dict[int, str]:
    """Answers of somebody who always picks one model, and else cannot tell."""
    sides = {"left": "left", "right": "right"}
    return {
        q.number: next((side for side in sides if getattr(q, side) == row), "same")
        for q in read_key(folder).questions
    }


def test_the_sheet_tells_nothing(folder: Path, made: Generated) -> None:
    key = read_key(folder)
    for name in (HTML_SHEET, CSV_SHEET):
        sheet = (folder / name).read_text()
        assert not re.search(r"\b(base(?!-uri)|tuned|post-\d+|models/)", sheet)
    assert len(key.questions) > 20
    lefts = [q.left for q in key.questions]
    assert len(set(lefts)) == 3, "every row stands on the left now and then"
    ids = [q.id for q in key.questions if {q.left, q.right} == set(ROWS)]
    assert ids != sorted(ids, key=lambda id_: int(id_.split("-")[1]))
    assert {q.right for q in key.questions} | set(lefts) == {"base", "tuned", "brand"}


def test_the_order_is_chance_by_the_seed(made: Generated) -> None:
    first = questions_from(made, ROWS, 20)
    assert questions_from(made, ROWS, 20) == first
    made.setup.seed = 14
    assert [q.id for q in questions_from(made, ROWS, 20)] != [q.id for q in first]


def test_texts_are_shown_as_text_and_run_as_nothing(made: Generated, tmp_path: Path) -> None:
    made.texts[0].first_half = "<img src=x onerror=alert(1)>"
    made.texts[1].first_half = '=HYPERLINK("http://x")'
    write_sheet(tmp_path, made, ROWS, 24)
    assert "<img" not in (tmp_path / HTML_SHEET).read_text()
    assert "'=HYPERLINK" in (tmp_path / CSV_SHEET).read_text()


def test_answers_come_back_with_the_blinding_taken_off(folder: Path, made: Generated) -> None:
    paths = [
        filled(folder, "ann", favouring(folder, "tuned")),
        filled(folder, "bo", favouring(folder, "tuned"), delimiter=";"),
        filled(folder, "cy", favouring(folder, "base")),
    ]
    made.ratings = read_ratings(paths, read_key(folder), list(ROWS))
    rows = {(row.a, row.b): row for row in preferred(made)}
    versus_base = rows["base", "tuned"]
    assert versus_base.share_b == 1.0, "two of three"
    assert versus_base.by == "people"
    assert rows["tuned", "brand"].a_wins == rows["tuned", "brand"].items
    agreement = agreed(made)
    assert agreement is not None
    assert agreement.raters == 3
    assert agreement.alpha is not None
    assert not agreement.is_usable


def test_those_who_agree_agree(folder: Path, made: Generated) -> None:
    answers = favouring(folder, "tuned")
    made.ratings = read_ratings(
        [filled(folder, "ann", answers), filled(folder, "bo", answers)],
        read_key(folder),
        list(ROWS),
    )
    agreement = agreed(made)
    assert agreement is not None
    assert agreement.alpha == pytest.approx(1.0)
    assert agreement.is_usable
    assert agreed(generated()) is None


def test_part_of_a_sheet_is_enough(folder: Path) -> None:
    [rating] = read_ratings([filled(folder, "ann", {3: "LEFT "})], read_key(folder), list(ROWS))
    assert (rating.question, rating.rater) == (3, "ann")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a,b\n1,2\n", "no columns number and answer"),
        ("number,answer\n1,maybe\n", "line 2: 'maybe' to question '1' is no answer"),
        ("number,answer\n9999,left\n", "question '9999'"),
        ("number,answer\n1,\n", "nobody has answered"),
        ("", "no columns"),
    ],
)
def test_what_is_no_filled_sheet(folder: Path, content: str, says: str) -> None:
    path = folder / "bad.csv"
    path.write_text(content)
    with pytest.raises(OnbrandError, match=says):
        read_ratings([path], read_key(folder), list(ROWS))


def test_a_sheet_that_is_not_there(folder: Path) -> None:
    with pytest.raises(OnbrandError, match=r"gone.csv cannot be read"):
        read_ratings([folder / "gone.csv"], read_key(folder), list(ROWS))
    (folder / KEY_NAME).unlink()
    with pytest.raises(OnbrandError, match="run `onbrand eval rate` first"):
        read_key(folder)


def test_models_that_are_not_in_the_report(made: Generated, tmp_path: Path) -> None:
    write_stages(tmp_path, made)
    with pytest.raises(UsageError, match="it has base, tuned"):
        hand_out(tmp_path, "base,other", 10)


def test_models_that_wrote_the_same(made: Generated, tmp_path: Path) -> None:
    for output, other in zip(made.of("tuned"), made.of("base"), strict=True):
        output.sampled = other.sampled
    with pytest.raises(OnbrandError, match="nothing to rate"):
        write_sheet(tmp_path, made, ROWS, 10)
