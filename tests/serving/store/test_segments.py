"""Files of notes, between processes that write them and processes that take them up."""

import fcntl
from pathlib import Path

import pytest

from serving.store.segments import left_behind, new_segment, segments, strike


def test_nobody_takes_a_segment_that_is_just_being_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, taken = fcntl.flock, []

    def late(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        taken.extend(left_behind(tmp_path))
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    segment = new_segment(tmp_path)
    taken.extend(left_behind(tmp_path))
    assert taken == []
    segment.append(b"{}\n")
    assert segments(tmp_path) == [{}]


def test_a_note_is_struck_without_moving_the_others(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    for user in ("ann", "bob", "ann"):
        segment.append(b'{"user": "%s"}\n' % user.encode())
    assert strike(tmp_path, lambda note: note["user"] == "ann") == 2
    segment.append(b'{"user": "carl"}\n')  # its writer goes on where it was
    assert segments(tmp_path) == [{"user": "bob"}, {"user": "carl"}]
    assert segment.notes() == segments(tmp_path)
    segment.discard()
    assert segments(tmp_path) == []
