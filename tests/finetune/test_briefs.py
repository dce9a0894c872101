import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.briefs import COPIED, natural_length, objection, own_briefs
from finetune.names import Names, names_of
from finetune.overlap import runs, shared_run, words
from finetune.pieces import Piece, heading_of
from onbrand.persona import brief_for
from onbrand.record import Record, Source
from tests.conftest import SHARED_DATA, needs_shared_data

CHAI = """Need Tezdum chai, but short on time?
Tezdum has you covered with a strong cup in under a minute, at home and at work!
#TapalTezdum #Chai"""


def record(text: str, source: Source = "instagram", title: str = "", tags: str = "") -> Record:
    return Record(id="1", source=source, url="x:", title=title, text=text, tags=tags.split())


def whole(text: str) -> Piece:
    return Piece([], text, heading_of(text))


def best(record: Record, *names: str) -> str:
    return next(own_briefs(record, Piece([], record.text), Names(names)))


def test_a_brief_says_what_the_record_has() -> None:
    chai = record(CHAI, tags="TapalTezdum Chai Elsewhere")
    assert best(chai, "Tezdum", "Danedar") == (
        "Write an Instagram post about Tezdum, with #TapalTezdum #Chai, in about 25 words."
    )
    assert best(chai) == "Write an Instagram post with #TapalTezdum #Chai, in about 25 words."
    assert best(record("Chai!", "facebook")) == "Write a Facebook post in a few words."
    about = record(CHAI, "website", title="Our teas")
    assert best(about, "Tezdum") == (
        "Write a text for our website about Our teas, naming Tezdum, in about 25 words."
    )


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, ""),
        (2, "a few words"),
        (4, "about 5 words"),
        (38, "about 40 words"),
        (117, "about 120 words"),
        (238, "about 250 words"),
    ],
)
def test_a_natural_length(count: int, said: str) -> None:
    assert natural_length("word " * count + "#tag #tag2 🫖") == said


def test_where_words_are_not_spaced_characters_are_counted() -> None:
    assert natural_length("お茶を飲みましょう。" * 8) == "about 80 characters"


WORDS = "Write an Instagram post about The Petrel in a text with #Sea words"
TEXT = st.lists(st.sampled_from(WORDS.split()), max_size=40).map(" ".join)


@given(
    text=TEXT,
    title=st.sampled_from(["", "The Petrel", "A post about The Petrel in words with text"]),
    source=st.sampled_from(["instagram", "website"]),
    is_all=st.booleans(),
)
def test_no_brief_gives_away_six_words_of_the_text(
    text: str, title: str, source: Source, is_all: bool
) -> None:
    shown = record(f"{text}\n", source, title, "Sea")
    piece = whole(text)
    if not is_all:
        shown = shown.model_copy(update={"text": text + "\nmore"})
    for brief in own_briefs(shown, piece, Names(["The Petrel"])):
        assert not shared_run(brief, runs(piece.body, COPIED), COPIED)
        assert brief == " ".join(brief.split())


@pytest.mark.parametrize(
    ("brief", "reason"),
    [
        ("Write a post about Tezdum for people who are short on time.", ""),
        ("", "empty"),
        ("I am sorry, but I cannot write that.", 'does not begin with "Write"'),
        ("Write " + "very " * 40 + "much.", "42 words"),
        ("Write that tezdum has YOU covered with a strong cup.", 'copies the text: "tezdum has'),
    ],
)
def test_a_teachers_brief_is_judged(brief: str, reason: str) -> None:
    found = objection(brief, record(CHAI), whole(CHAI))
    assert (reason in found) if reason else not found


def test_words_of_any_script_keep_their_marks() -> None:
    assert words("चाय पीजिए, Tum-mein!") == ["चाय", "पीजिए", "tum", "mein"]


def test_names_are_short_titles_that_the_texts_write_as_names() -> None:
    pages = {
        "The Petrel": "The Petrel is a town boat.",
        "Brands": "Brands of tea. Our brands are many brands.",
        "Oilskin Panniers": "Oilskin Panniers hold 40 litres.",
        "Come alongside, shipmate": "Come alongside, shipmate!",
        "A very long title of a Page": "A very long title of a Page, indeed.",
        "Saltmarsh": "Saltmarsh mends bicycles. Saltmarsh sells them.",
        "چائے": "چائے بہت اچھی ہے",
    }
    records = [record(text, "website", title) for title, text in pages.items()]
    assert set(names_of(records, "Saltmarsh").all) == {"The Petrel", "Oilskin Panniers", "چائے"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("We sold the Petrel, and Oilskin Panniers with it.", ["The Petrel", "Oilskin Panniers"]),
        ("The petrel is a bird; #ThePetrel and @The Petrel are none.", []),
        ("The Petrels, the Petrel2 and oilskin panniers", []),
        ("The Petrel Grand is dearer.", ["The Petrel Grand"]),
        ("The  Petrel", []),
        ("", []),
    ],
)
def test_names_are_found_to_the_letter(text: str, found: list[str]) -> None:
    assert Names(["The Petrel", "Oilskin Panniers", "The Petrel Grand"]).found_in(text) == found


def test_a_list_of_names() -> None:
    assert brief_for("a post", about=["A", "B", "C"]) == "Write a post about A, B and C."


@needs_shared_data
def test_no_brief_gives_away_a_real_post() -> None:
    posts = json.loads((SHARED_DATA / "tapal" / "instagram-scraper.json").read_text())
    names = Names(["Tapal Danedar", "Tapal Tezdum", "Tapal Family Mixture"])
    texts = [post["caption"] for post in posts if post.get("caption")]
    assert len(texts) > 700
    for text in texts:
        tags = [word[1:] for word in text.split() if word.startswith("#")]
        shown = record(text, tags=" ".join(tags))
        brief = best(shown, *names.all)
        assert not shared_run(brief, runs(text, COPIED), COPIED), brief
        assert len(brief) < 250
