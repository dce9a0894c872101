from hypothesis import given
from hypothesis import strategies as st

from bots.delivery.flood import Flood, Window


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.integers(1, 5), st.lists(st.floats(0, 30)))
def test_never_more_than_the_limit_in_a_minute(limit: int, gaps: list[float]) -> None:
    clock = Clock()
    window = Window(limit, clock)
    taken: list[float] = []
    for gap in gaps:
        clock.now += gap
        if window.wait("Ana") == 0:
            window.add("Ana")
            taken.append(clock.now)
    for at in taken:
        assert sum(at - 60 < other <= at for other in taken) <= limit


@given(st.integers(1, 5), st.lists(st.floats(0.1, 30), min_size=1))
def test_after_the_wait_it_may(limit: int, gaps: list[float]) -> None:
    clock = Clock()
    window = Window(limit, clock)
    for gap in gaps:
        clock.now += gap
        if wait := window.wait("Ana"):
            clock.now += wait + 1e-6
            assert window.wait("Ana") == 0
        window.add("Ana")


def test_people_and_channels_have_limits_of_their_own() -> None:
    clock = Clock()
    flood = Flood(2, 3, clock)
    assert [flood.take("Ana", "C1") for _ in range(3)] == [0, 0, 60]
    assert flood.take("Ben", "C1") == 0
    assert flood.take("Cem", "C1") == 60
    assert flood.take("Cem", "C2") == 0
    clock.now = 60
    assert flood.take("Ana", "C1") == 0


def test_a_person_is_told_once_in_a_minute() -> None:
    clock = Clock()
    flood = Flood(1, 0, clock)
    assert [flood.tell("Ana"), flood.tell("Ana"), flood.tell("Ben")] == [True, False, True]
    clock.now = 60
    assert flood.tell("Ana")


def test_no_limit() -> None:
    flood = Flood(0, 0)
    assert all(flood.take("Ana", "C1") == 0 for _ in range(1000))


def test_who_is_silent_is_forgotten() -> None:
    clock = Clock()
    window = Window(5, clock)
    for number in range(10_000):
        clock.now += 1
        window.add(str(number))
    assert len(window._times) < 150
