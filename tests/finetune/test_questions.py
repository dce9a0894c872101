import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.overlap import runs
from finetune.questions import COPIED, QuestionAnswer, SetAside, read_questions, screen
from onbrand.errors import UsageError
from tests.conftest import SHARED_DATA, needs_shared_data


def rows_of(tmp_path: Path, name: str, content: str | bytes) -> list[QuestionAnswer | SetAside]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_questions(path))


def test_csv(tmp_path: Path) -> None:
    content = '\ufeff,Answer,QUESTIONS\r\n1,Aye.,Tea?\r\n2,"Two\nlines, ""quoted""",Cake?\r\n\r\n'
    assert rows_of(tmp_path, "faq.csv", content) == [
        QuestionAnswer("faq.csv:2", "Tea?", "Aye."),
        QuestionAnswer("faq.csv:3", "Cake?", 'Two\nlines, "quoted"'),
    ]


def test_a_spreadsheets_semicolons(tmp_path: Path) -> None:
    [row] = rows_of(tmp_path, "faq.csv", "question;answer\nTea, perhaps?;Aye, always.")
    assert row == QuestionAnswer("faq.csv:2", "Tea, perhaps?", "Aye, always.")


def test_jsonl(tmp_path: Path) -> None:
    [row] = rows_of(tmp_path, "faq.jsonl", '{"Question": " Tea?", "answer": "Aye. ", "x": 1}\n\n')
    assert row == QuestionAnswer("faq.jsonl:1", "Tea?", "Aye.")


def test_a_bad_row_is_set_aside_with_its_reason_and_stops_no_other(tmp_path: Path) -> None:
    content = 'question,answer\nTea?,\n,Aye.\nTea?\na,b,c\n"x"y,z\nCake?,No.\n"open,never\nclosed'
    found = rows_of(tmp_path, "faq.csv", content)
    assert [row.place for row in found] == [f"faq.csv:{line}" for line in range(2, 9)]
    kept = [row for row in found if isinstance(row, QuestionAnswer)]
    assert kept == [QuestionAnswer("faq.csv:7", "Cake?", "No.")]
    reasons = [row.reason for row in found if isinstance(row, SetAside)]
    assert reasons[:4] == [
        "its answer is empty",
        "its question is empty",
        "it has no text as answer",
        "it has 3 fields and the header 2",
    ]
    assert "is not CSV" in reasons[4]
    assert "read up to line 9" in reasons[5]


def test_what_a_bad_row_does_hold_is_kept(tmp_path: Path) -> None:
    content = '{"answer": " Aye."}\n{"question": "Tea? ", "answer": 7}\n'
    found = rows_of(tmp_path, "faq.csv", "question,answer\n,Aye. \nTea?,\n")
    found += rows_of(tmp_path, "faq.jsonl", content)
    held = [(row.question, row.answer) for row in found]
    assert held == [("", "Aye."), ("Tea?", ""), ("", "Aye."), ("Tea?", "")]


def test_a_bad_line_of_jsonl_too(tmp_path: Path) -> None:
    content = '{"question": "Tea?", "answer": 7}\n[1]\n{\n{"answer": "Aye."}\n'
    found = rows_of(tmp_path, "faq.jsonl", content)
    assert all(isinstance(row, SetAside) for row in found)
    assert [row.place for row in found] == [f"faq.jsonl:{line}" for line in range(1, 5)]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("faq.csv", "frage,antwort\na,b\n", r"has the columns frage, antwort; name two"),
        ("faq.csv", "", r"has the columns \(none\)"),
        ("faq.csv", b"question,answer\nCaf\xe9?,Aye\n", "is not UTF-8"),
        ("faq.txt", "question,answer\n", "takes .csv and .jsonl files only"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, name: str, content: str | bytes, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        rows_of(tmp_path, name, content)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"faq\.csv cannot be read \(No such file"):
        list(read_questions(tmp_path / "faq.csv"))


def test_what_is_not_to_be_learned_from() -> None:
    held_out = "The Petrel has eight gears, shut up inside the hub, where no salt can reach them."
    copied = "Aye: eight gears shut up inside the HUB, where no gull goes."
    rows = [
        QuestionAnswer("f:1", "Gears?", copied),
        QuestionAnswer("f:2", "Gears?", "Eight, and all inside the hub."),
        QuestionAnswer("f:3", "Gears?", "Eight, and all inside the hub."),
        QuestionAnswer("f:4", "Gears? " * 99, "Eight."),
    ]
    found = list(screen(rows, runs(held_out, COPIED), lambda question: len(question) < 100))
    assert [getattr(row, "reason", "") for row in found] == [
        'a held-out text has its words "eight gears shut up inside the hub where" too',
        "",
        "it repeats f:2",
        "its question leaves no room in [tune] max_tokens",
    ]


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"])).filter(lambda text: text.strip())


@given(pairs=st.lists(st.tuples(TEXTS, TEXTS), max_size=8))
def test_whatever_is_written_as_csv_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]
) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerows([("question", "answer"), *pairs])
    folder = tmp_path_factory.mktemp("questions")
    found = rows_of(folder, "faq.csv", stream.getvalue())
    assert [(row.question, row.answer) for row in found] == [
        (question.strip(), answer.strip()) for question, answer in pairs
    ]


@needs_shared_data
def test_a_real_file_of_questions() -> None:
    found = list(read_questions(SHARED_DATA / "cazton" / "question_answer.csv"))
    kept = [row for row in found if isinstance(row, QuestionAnswer)]
    assert len(found) > 1000
    assert len(kept) / len(found) > 0.99
    assert kept[0].question == "What big data services does Cazton offer?"
