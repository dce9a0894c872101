"""Connected components, held as a label for each row: the lowest row of its component."""

import numpy as np

from scraper.clean.shingles import Integers


def united(labels: Integers, i: Integers, j: Integers) -> Integers:
    """Labels after the components of each i and j have become one."""
    root = np.arange(len(labels))

    def find(label: int) -> int:
        while root[label] != label:
            root[label] = root[root[label]]
            label = int(root[label])
        return label

    between = np.unique(np.stack([labels[i], labels[j]], axis=1), axis=0)
    for one, other in between.tolist():
        low, high = sorted((find(one), find(other)))
        root[high] = low
    while (root != root[root]).any():
        root = root[root]
    result: Integers = root[labels]
    return result
