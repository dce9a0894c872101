"""Lines are the same wherever the pieces of a file are cut."""

import json
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from batch_gateway import line
from hypothesis import given
from hypothesis import strategies as st

from serving.batches.requests import Request, lines_of, read_request

LONGEST = 12
TEXT = st.text("ab\n", max_size=60).map(str.encode)


async def pieces(content: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    places = [0, *sorted(cut for cut in cuts if cut <= len(content)), len(content)]
    for start, end in pairwise(places):
        yield content[start:end]


@pytest.mark.anyio
@given(content=TEXT, cuts=st.lists(st.integers(0, 60)))
async def test_lines_do_not_depend_on_how_a_file_is_cut(content: bytes, cuts: list[int]) -> None:
    found = [line async for line in lines_of(pieces(content, cuts), LONGEST)]
    expected = content.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    assert found == [line if len(line) <= LONGEST else None for line in expected]


@given(st.text(min_size=1, max_size=512), st.dictionaries(st.text(), st.text() | st.integers()))
def test_a_request_keeps_its_id_and_body(custom_id: str, rest: dict[str, object]) -> None:
    body = {"messages": [], **rest, "stream": False}
    found = read_request(json.dumps(line(custom_id, body=body)).encode(), 10**9)
    assert isinstance(found, Request)
    assert (found.custom_id, json.loads(found.body)) == (custom_id, body)


@given(st.binary(max_size=200))
def test_anything_is_judged(content: bytes) -> None:
    assert not isinstance(read_request(content, 10**9), Request)
