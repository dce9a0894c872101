from onbrand.plural import plural


def test_counts() -> None:
    assert [plural(n, "shell") for n in (0, 1, 2000)] == ["0 shells", "1 shell", "2,000 shells"]
