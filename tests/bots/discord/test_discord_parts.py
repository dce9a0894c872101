"""Small parts: pages of history, names, notes, nonces, what discord.py must have."""

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.discord import _dpy_internals as internals
from bots.discord.drawing import LIMIT, units, with_note, without_notes
from bots.discord.outlet import nonce
from onbrand.errors import OnbrandError

text = st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))


@given(st.lists(text.filter(lambda each: 0 < units(each) <= LIMIT)), text)
def test_a_note_is_below_the_last_message_or_a_message_of_its_own(
    texts: list[str], note: str
) -> None:
    drawn = with_note(texts, note)
    assert all(units(each) <= LIMIT + units(note) for each in drawn)
    assert drawn[: len(texts) - 1] == texts[:-1]
    assert len(drawn) - len(texts) in (0, 1)


def test_a_note_is_told_from_the_answer() -> None:
    (drawn,) = with_note(["The answer\n- is this"], "It broke.\nTry again.")
    assert drawn == "The answer\n- is this\n-# It broke.\n-# Try again."
    assert without_notes(drawn) == "The answer\n- is this"
    assert with_note([], "It broke.") == ["It broke."]
    assert with_note(["x" * LIMIT], "It broke.") == ["x" * LIMIT, "-# It broke."]


@given(st.text(min_size=1), st.integers(-1, 500), st.integers(-1, 500))
def test_nonces_fit_and_differ(answer: str, one: int, other: int) -> None:
    assert len(nonce(answer, one)) <= 25
    assert (nonce(answer, one) == nonce(answer, other)) is (one == other)


def test_a_discord_py_without_what_is_needed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("discord.http.HTTPClient.get_bot_gateway")
    with pytest.raises(OnbrandError, match=r"lacks HTTPClient\.get_bot_gateway.*pip install"):
        internals.verify()


def test_an_outage_is_waited_out_in_short_steps() -> None:
    internals.calm()
    backoff = discord.client.ExponentialBackoff()  # type: ignore[attr-defined]
    assert max(backoff.delay() for _ in range(50)) == 10


async def _nothing(self: discord.Client, *, reconnect: bool = True) -> None:
    """Another way to connect."""


def test_a_discord_py_that_reconnects_otherwise_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.Client, "connect", _nothing)
    with pytest.raises(OnbrandError, match=r"Client\.connect"):
        internals.verify()
