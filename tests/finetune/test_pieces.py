import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from finetune.pieces import cut, heading_of, question_answers, whole_or_sections

LINES = st.lists(st.text(alphabet="abc xyz", min_size=1, max_size=40), min_size=1)
MARKDOWN = st.lists(
    st.sampled_from(["# The quay", "## Tea", "Aye, there is tea.", "", "Bring it alongside now."]),
    min_size=1,
    max_size=12,
)


@pytest.fixture(scope="module")
def tokenizer(smollm2):
    return AutoTokenizer.from_pretrained(smollm2, local_files_only=True)


@given(lines=LINES)
def test_pieces_hold_the_whole_text_and_keep_the_limit(tokenizer, lines: list[str]) -> None:
    text = "\n".join(lines)
    pieces = list(cut(text, tokenizer, 16))
    assert all(len(piece.ids) <= 16 for piece in pieces)
    # Only white space at a cut may go.
    whole = "".join(tokenizer.decode(piece.ids) for piece in pieces)
    assert "".join(whole.split()) == "".join(text.split())
    assert [piece.opens for piece in pieces] == [index == 0 for index in range(len(pieces))]


@given(lines=MARKDOWN, room=st.integers(8, 40))
def test_sections_hold_the_whole_text_too(tokenizer, lines: list[str], room: int) -> None:
    text = "\n".join(lines).strip()
    pieces = whole_or_sections(text, tokenizer, room)
    assert all(len(piece.ids) <= room for piece in pieces)
    assert "".join("".join(p.text for p in pieces).split()) == "".join(text.split())
    assert all(tokenizer.decode(piece.ids) == piece.text for piece in pieces)


def test_one_heading_below_another_begins_no_section(tokenizer) -> None:
    text = "# The quay\n## Tea\nAye.\n## Cake\nNo."
    pieces = whole_or_sections(text, tokenizer, 12)
    assert [piece.text for piece in pieces] == ["# The quay\n## Tea\nAye.", "## Cake\nNo."]
    assert [piece.heading for piece in pieces] == ["The quay", "Cake"]
    assert [piece.body for piece in pieces] == ["## Tea\nAye.", "No."]


def test_a_line_that_is_too_long_is_cut_and_only_its_last_piece_ends(tokenizer) -> None:
    pieces = list(cut("Short.\n" + "long " * 30 + "\nShort.", tokenizer, 12))
    assert [piece.ends for piece in pieces] == [True, False, False, True, True]


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("## In the hold\nShe takes 90 kg.", "In the hold"),
        ("In the hold\nShe takes 90 kg of potatoes.", "In the hold"),
        ("She takes 90 kg.\nWe have tested that with potatoes.", ""),
        ("- One\nTwo and three and four", ""),
        ("A long line that goes on and on and on, with no end\nShort", ""),
        ("", ""),
    ],
)
def test_headings(text: str, heading: str) -> None:
    assert heading_of(text) == heading


def test_questions_stand_on_their_own_line() -> None:
    text = "From the quay\n### Do you mend bicycles?\nAye.\nWe do.\nIs there any tea?\nAlways."
    assert list(question_answers(text)) == [
        ("Do you mend bicycles?", "Aye.\nWe do."),
        ("Is there any tea?", "Always."),
    ]


def test_a_heading_ends_an_answer() -> None:
    text = "### Do you mend bicycles?\nAye.\n\n## How to find us\nOn the quay.\nDo you sell tea?"
    assert list(question_answers(text)) == [("Do you mend bicycles?", "Aye.")]
