"""Counts as a person writes them."""


def plural(count: int, noun: str) -> str:
    """`1 record`, `2 records`, `1,000 records`; for nouns whose plural ends in s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
