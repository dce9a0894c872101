"""Seconds that a server asks to wait."""

import pytest

from bots.retry_after import retry_after


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("3", 3.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("-2", 0.0),
        ("", None),
        (None, None),
        ("nan", None),
        ("inf", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_only_numbers_that_can_be_waited_for_count(
    given: str | None, seconds: float | None
) -> None:
    assert retry_after(given) == seconds
