import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from eval.generate.cache import Cache, cache_key


def test_results_are_there_after_a_restart(tmp_path: Path) -> None:
    Cache(tmp_path, "model").add({"a": [1, 2], "b": 0.1})
    cache = Cache(tmp_path, "model")
    assert (cache["a"], cache["b"]) == ([1, 2], 0.1)
    assert "c" not in cache
    assert "a" not in Cache(tmp_path, "other")


@given(cut=st.integers(0, 60))
def test_a_line_cut_short_by_a_kill_loses_only_itself(tmp_path_factory: object, cut: int) -> None:
    folder: Path = tmp_path_factory.mktemp("cache")  # type: ignore[attr-defined]
    cache = Cache(folder, "model")
    cache.add({"a": [1]})
    kept = cache.path.stat().st_size
    cache.add({"b": [2]})
    cache.path.write_bytes(cache.path.read_bytes()[: kept + cut])

    resumed = Cache(folder, "model")
    assert resumed["a"] == [1]
    resumed.add({"c": [3]})
    assert Cache(folder, "model")["c"] == [3]


def test_lines_that_are_no_results_are_passed_over(tmp_path: Path) -> None:
    cache = Cache(tmp_path, "model")
    cache.path.write_text('[1]\n{"key": "a"}\n7\n' + json.dumps({"key": "b", "value": 1}) + "\n")
    assert Cache(tmp_path, "model")["b"] == 1


def test_forgetting(tmp_path: Path) -> None:
    cache = Cache(tmp_path, "model")
    cache.add({"a": 1})
    cache.clear()
    assert "a" not in cache
    assert "a" not in Cache(tmp_path, "model")


def test_keys_depend_on_every_part() -> None:
    keys = {cache_key(ids=(1, 2), n=3), cache_key(ids=(1, 2), n=4), cache_key(ids=(1, 3), n=3)}
    assert len(keys) == 3
    assert cache_key(a=1, b=2) == cache_key(b=2, a=1)
