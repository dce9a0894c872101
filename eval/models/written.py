"""Continuations that somebody else's program has written, in a file.

So that figures from elsewhere can be looked into: they are scored, compared and examined for the
usual mistakes as if a model had written them here.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from eval.half_split import HalfSplit, Item
from eval.models.card import ModelCard
from eval.models.model import Greedy, PaddingCheck, Sampling
from onbrand.artifact import file_hash
from onbrand.errors import OnbrandError
from onbrand.json_lines import read_json_lines


class WrittenText(BaseModel):
    """One line of the file."""

    id: str
    """Of the test text, as in `split.jsonl`."""
    text: str
    """The continuation alone, without the half that was given."""
    reference: str | None = None
    """What the program compared it with."""


class WrittenModel:
    """A file of continuations, one JSON object a line: `{"id": …, "text": …}`.

    A line may also hold the `reference` that the other program compared with; it is examined for
    the usual mistakes, and the scores are still against the real second half.

    Raises:
        OnbrandError: it is not there, or a line is something else.
    """

    def __init__(self, name: str, path: Path) -> None:
        lines = read_json_lines(path, WrittenText, "a continuation with id and text", "correct it")
        self._lines: dict[str, WrittenText] = {}
        for line in lines:
            if line.id in self._lines:
                raise OnbrandError(f"{path} has two continuations of {line.id}; keep one.")
            self._lines[line.id] = line
        self.card = ModelCard(
            name=name, kind="written", where=str(path), hash=file_hash(path), asked="unknown"
        )

    def view(self, split: HalfSplit) -> HalfSplit:
        """The items as they are."""
        return split

    def greedy(self, batch: Sequence[Item]) -> list[Greedy]:
        """What stands in the file.

        Raises:
            OnbrandError: it lacks one of the texts.
        """
        missing = [item.id for item in batch if item.id not in self._lines]
        if missing:
            raise OnbrandError(
                f"{self.card.where} has no continuation of {missing[0]}; every text of split.jsonl "
                "needs one."
            )
        lines = [self._lines[item.id] for item in batch]
        return [
            Greedy(
                exact=line.text,
                natural=line.text,
                stopped=True,
                tokens=0,
                reference=line.reference,
            )
            for line in lines
        ]

    def sampled(self, batch: Sequence[Item], sampling: Sampling) -> None:
        """None: a file draws nothing."""

    def likelihoods(self, batch: Sequence[Item]) -> None:
        """None: a file knows no probabilities."""

    def padding_checks(self, items: Sequence[Item]) -> list[PaddingCheck]:
        """None: nothing is padded here."""
        return []

    def unload(self) -> None:
        """Nothing to free."""
