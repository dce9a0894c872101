from hypothesis import given
from hypothesis import strategies as st

from serving.adapters.choice import choose

names = st.lists(st.text(max_size=5), min_size=1, max_size=6, unique=True)


@st.composite
def weighted(draw: st.DrawFn) -> list[tuple[str, int]]:
    weights = [(name, draw(st.integers(0, 300))) for name in draw(names)]
    return [*weights, ("the last", draw(st.integers(1, 300)))]


@given(weighted(), st.text())
def test_the_same_for_one_user_in_any_order(weights: list[tuple[str, int]], who: str) -> None:
    chosen = choose(weights, who)
    shuffled = weights[::-1]
    assert choose(weights, who) == choose(shuffled, who) == chosen
    assert dict(weights)[chosen] > 0


@given(weighted(), st.integers(1, 600), st.data())
def test_a_changed_weight_moves_only_to_or_from_that_name(
    weights: list[tuple[str, int]], weight: int, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from([name for name, _ in weights]))
    changed = [(n, weight if n == name else w) for n, w in weights]
    grows = weight > dict(weights)[name]
    for number in range(50):
        before, after = choose(weights, f"user {number}"), choose(changed, f"user {number}")
        if before != after:
            assert after == name if grows else before == name


def test_shares_are_those_of_the_weights() -> None:
    weights = [("", 90), ("canary", 10), ("never", 0)]
    chosen = [choose(weights, f"user {number}") for number in range(20_000)]
    assert 0.09 < chosen.count("canary") / 20_000 < 0.11
    assert chosen.count("never") == 0
