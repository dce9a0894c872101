"""Many examples in one row, each distinct beginning computed once.

Examples of one brand start alike: the same persona, the same request, and where a text is continued
the same first half. Their ids are laid out as a tree; a token sees its own ancestors only, at the
position it has in its own example. So an example's losses are those it has alone, and nothing leaks
from its neighbours, while the shared prompt costs once.

Notation: L tokens of the tree, A answer tokens, B examples, T the longest of them.
"""

from collections.abc import Iterable

import torch

from finetune.examples import Example

Batch = dict[str, torch.Tensor]
"""What a forward pass takes and predicts.

`input_ids` and `position_ids` of shape (1, L) or (B, T); `attention_mask`, bool (1, 1, L, L) or
0 and 1 (B, T); `sources` (A,): which of the flattened positions predicts; `targets` (A,): what.
"""


class TokenTree:
    """The examples of one row."""

    def __init__(self, examples: Iterable[Example] = ()):
        """An empty tree, or one of these examples."""
        self.count = 0
        self._node_of: dict[tuple[int, int], int] = {}
        self._ids: list[int] = []
        self._parents: list[int] = []
        self._positions: list[int] = []
        self._sources: list[int] = []
        self._targets: list[int] = []
        for example in examples:
            self.add(example)

    def __len__(self) -> int:
        """L: tokens to compute."""
        return len(self._ids)

    @property
    def answer_tokens(self) -> int:
        """A: tokens that carry loss."""
        return len(self._targets)

    def growth(self, example: Example) -> int:
        """By how many tokens `add` would make the tree longer."""
        ids, node = _seen(example), -1
        for position, token in enumerate(ids):
            found = self._node_of.get((node, token))
            if found is None:
                return len(ids) - position
            node = found
        return 0

    def add(self, example: Example) -> None:
        """Lay the example into the tree."""
        node = -1
        targets = iter(example.answer)
        for position, token in enumerate(_seen(example)):
            if position >= len(example.prompt):
                self._predict(node, next(targets))
            node = self._child(node, token, position)
        self._predict(node, next(targets))
        self.count += 1

    def _child(self, parent: int, token: int, position: int) -> int:
        node = self._node_of.setdefault((parent, token), len(self._ids))
        if node == len(self._ids):
            self._ids.append(token)
            self._parents.append(parent)
            self._positions.append(position)
        return node

    def _predict(self, source: int, target: int) -> None:
        self._sources.append(source)
        self._targets.append(target)

    def batch(self, device: torch.device) -> Batch:
        """The row, for a model that takes a mask of four dimensions."""
        mask = torch.eye(len(self), dtype=torch.bool)
        for node, parent in enumerate(self._parents):
            if parent >= 0:  # a parent comes before its children
                mask[node] |= mask[parent]
        return {
            "input_ids": torch.tensor([self._ids], device=device),
            "position_ids": torch.tensor([self._positions], device=device),
            "attention_mask": mask[None, None].to(device),
            "sources": torch.tensor(self._sources, device=device),
            "targets": torch.tensor(self._targets, device=device),
        }


def padded_batch(examples: list[Example], pad_id: int, device: torch.device) -> Batch:
    """A row an example, filled up on the right.

    Padding is masked by position, never by id: where pad and EOS share an id, EOS is still learned.
    """
    length = max(len(_seen(example)) for example in examples)
    ids = torch.full((len(examples), length), pad_id)
    mask = torch.zeros_like(ids)
    sources, targets = list[int](), list[int]()
    for row, example in enumerate(examples):
        seen = _seen(example)
        ids[row, : len(seen)] = torch.tensor(seen)
        mask[row, : len(seen)] = 1
        first = row * length + len(example.prompt) - 1
        sources += range(first, first + len(example.answer))
        targets += example.answer
    return {
        "input_ids": ids.to(device),
        "position_ids": torch.arange(length, device=device).expand(len(examples), -1),
        "attention_mask": mask.to(device),
        "sources": torch.tensor(sources, device=device),
        "targets": torch.tensor(targets, device=device),
    }


def _seen(example: Example) -> list[int]:
    """All but the last id: nothing follows it, so it is only ever predicted."""
    return example.prompt + example.answer[:-1]
