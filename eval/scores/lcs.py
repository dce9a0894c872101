"""The longest common subsequence, a bit for each reference token (Hyyrö, 2004).

After each token of the candidate, the bits that are zero mark where the usual table's row grows by
one. A row is then one operation on a whole number instead of a loop, and the whole table can be
read back from the rows.
"""

from collections.abc import Sequence


def rows(reference: Sequence[str], candidate: Sequence[str]) -> list[int]:
    """The table's rows. Bit i of row j is 0 where `t[i + 1][j + 1] == t[i][j + 1] + 1`.

    `t[i][j]` is the length of the longest common subsequence of the first i tokens of the
    reference and the first j of the candidate.
    """
    places: dict[str, int] = {}
    for index, token in enumerate(reference):
        places[token] = places.get(token, 0) | 1 << index
    ones = (1 << len(reference)) - 1
    row = ones
    table = []
    for token in candidate:
        matched = row & places.get(token, 0)
        row = (row + matched | row - matched) & ones
        table.append(row)
    return table


def length(reference: Sequence[str], candidate: Sequence[str]) -> int:
    """Number of tokens of the longest common subsequence."""
    table = rows(reference, candidate)
    return len(reference) - table[-1].bit_count() if table else 0


def indices(reference: Sequence[str], candidate: Sequence[str]) -> list[int]:
    """Where in the reference one longest common subsequence lies, in descending order.

    Among several the choice is that of rouge-score's `_backtrack_norec`: from the end, a match is
    taken; otherwise the candidate is shortened where only that keeps the length.
    """
    table = rows(reference, candidate)
    found = []
    i, j = len(reference), len(candidate)
    while i > 0 and j > 0:
        if reference[i - 1] == candidate[j - 1]:
            found.append(i - 1)
            i -= 1
            j -= 1
        elif table[j - 1] >> (i - 1) & 1:
            i -= 1
        else:
            j -= 1
    return found
