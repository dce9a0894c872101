"""What holds for every text and every limit, on thousands of generated ones."""

import random

import pytest
import regex
from commonmark_judge import code, spans, unclosed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_cases import documents, soups

from bots.splitting import Splitter, Style, join, quiet, split
from bots.splitting.discord import DiscordStyle
from bots.splitting.part import utf16_size

pytestmark = pytest.mark.slow

many = settings(
    max_examples=10_000, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
some = settings(many, max_examples=1_000)
limits = st.integers(150, 600)


@many
@given(documents, limits)
def test_parts_fit_join_and_keep_every_fence_whole(text: str, limit: int) -> None:
    parts = split(text, Style(limit))
    shown = [part.text for part in parts]

    assert join(parts) == text
    assert all(utf16_size(part) <= limit for part in shown)
    assert all(unclosed(part) == [] for part in shown)
    assert code(shown) == quiet(code([text]))
    assert spans(shown) == [quiet(span) for span in spans([text])]


@some
@given(documents | soups, limits, st.sampled_from([Style, DiscordStyle]), st.integers())
def test_a_full_message_never_changes_while_the_text_grows(
    text: str, limit: int, kind: type[Style], seed: int
) -> None:
    style, pieces = kind(limit), random.Random(seed)
    whole = split(text, style)
    growing, at = Splitter(style), 0

    while at < len(text):
        at += pieces.randint(1, 40)
        growing.update(text[:at])
        full = len(growing.closed)
        assert list(growing.closed) == whole[:full]
        if growing.settled:
            assert whole[full].shown.startswith(growing.settled.shown)
            assert join([*growing.closed, growing.settled]) == text[: len(join(growing.closed))] + (
                growing.settled.source
            )
        if growing.open:
            assert utf16_size(growing.open.text) <= limit
            assert unclosed(growing.open.text) == []

    assert growing.finish(text) == whole


@some
@given(documents, limits)
def test_discord_shows_every_word_and_closes_every_fence(text: str, limit: int) -> None:
    parts = split(text, DiscordStyle(limit))

    assert join(parts) == text
    assert all(utf16_size(part.text) <= limit for part in parts)
    assert all(part.text.count("```") % 2 == 0 for part in parts)


@some
@given(soups, limits)
def test_anything_at_all_fits_and_joins(text: str, limit: int) -> None:
    for style in (Style(limit), DiscordStyle(limit)):
        parts = split(text, style)
        assert join(parts) == text
        assert all(utf16_size(part.text) <= limit for part in parts)


@some
@given(st.text(max_size=3000))
def test_graphemes_stay_whole(text: str) -> None:
    for limit in (64, 100):
        joined = split(text, Style(limit))
        ends = {match.end() for match in regex.finditer(r"\X", text)}
        at = 0
        for part in joined:
            at += len(part.source)
            assert at in ends
