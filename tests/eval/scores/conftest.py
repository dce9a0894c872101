import random

import pytest

VOCABULARY = ["tea", "warm", "rain", "Karachi", "cup", "the", "a", "42", "chai-time", "don't", "."]
CHARACTERS = "aab bc\n.,'A1 "


@pytest.fixture(scope="session")
def ascii_pairs() -> tuple[list[str], list[str]]:
    """10,000 pairs of short ASCII texts that share much, on one line and on several."""
    chance = random.Random(7)

    def text(number: int) -> str:
        if number % 2:
            words = chance.choices(VOCABULARY, k=chance.choice([0, 1, 2, 3, 5, 8, 13]))
            return "".join(word + chance.choice("     \n") for word in words)
        return "".join(chance.choices(CHARACTERS, k=chance.randint(0, 30)))

    numbers = range(10_000)
    return [text(number) for number in numbers], [text(number) for number in numbers]
