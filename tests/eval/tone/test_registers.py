from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.texts import Text
from eval.tone import built_in_registers, read_registers
from eval.tone.pieces import at_most, pieces
from onbrand.errors import UsageError


def test_what_comes_with_onbrand() -> None:
    found = built_in_registers()
    assert set(found) == {"manual", "messages", "news", "other_brands", "reviews"}
    for name, texts in found.items():
        assert len(texts) >= 15, name
        assert len({text.id for text in texts}) == len(texts)
        assert all(len(text.text) >= 60 for text in texts), name


def test_files_of_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "rival.txt").write_text("One text,\non two lines.\n\n\nAnother.\n", "utf-8")
    (tmp_path / "before.jsonl").write_text(
        '{"text": "چائے", "group": "blog"}\n\n{"text": "b", "id": 7}\n', "utf-8"
    )
    found = read_registers([tmp_path / "rival.txt", tmp_path / "before.jsonl"])
    assert [text.text for text in found["rival"]] == ["One text,\non two lines.", "Another."]
    assert [(text.text, text.group) for text in found["before"]] == [
        ("چائے", "blog"),
        ("b", "before-3"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.txt", None, "cannot be read"),
        ("empty.txt", b"\n \n", "holds no text"),
        ("table.csv", b"a,b", r"must end in \.txt, \.md or \.jsonl"),
        ("bad.jsonl", b'{"text": "a"}\n["b"]\n', "Line 2 of .*bad.jsonl must be a JSON object"),
        ("latin.txt", "naïve".encode("latin-1"), "UTF-8"),
    ],
)
def test_files_that_are_none(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=says):
        read_registers([tmp_path / name])


def test_short_texts_give_their_second_half() -> None:
    [piece] = pieces([Text("a", "g", "one two three four five")], 40)
    assert (piece.group, piece.text) == ("g", "three four five")


@given(st.lists(st.text("ab", min_size=1, max_size=8), max_size=60), st.integers(10, 60))
def test_pieces_are_of_a_length_and_lose_only_the_end(words: list[str], length: int) -> None:
    text = " ".join(words)
    found = list(pieces([Text("a", "g", text)], length))
    if len(text) <= 2 * length:
        assert len(found) <= 1
    else:
        joined = " ".join(piece.text for piece in found)
        assert text.startswith(joined)
        assert len(text) - len(joined) <= length
        assert all(length / 2 - 1 <= len(piece.text) <= length + 8 for piece in found)


def test_a_sample_of_many() -> None:
    texts = [Text(str(n), str(n), "x") for n in range(50)]
    assert at_most(texts, 50, seed=1) == texts
    chosen = at_most(texts, 10, seed=1)
    assert len(chosen) == 10
    assert chosen == sorted(chosen, key=lambda text: int(text.id))
    assert chosen == at_most(texts, 10, seed=1) != at_most(texts, 10, seed=2)
