"""Which adapter answers whom."""

import hashlib
import math
from collections.abc import Sequence

_MOST = 2**64


def choose(weights: Sequence[tuple[str, int]], who: str) -> str:
    """A name, drawn by weight, always the same for the same `who`.

    Weighted rendezvous hashing: each name draws a number of its own for `who`, and the smallest
    wins. When one weight changes, people move only to or from that name.
    https://www.snia.org/sites/default/files/SDC15_presentations/dist_sys/Jason_Resch_New_Consistent_Hashings_Rev.pdf

    Args:
        weights: Names with their weights, at least one of them above 0.
        who: A user, or a request.
    """

    def draw(name: str, weight: int) -> float:
        digest = hashlib.blake2b(f"{name}\0{who}".encode(errors="replace"), digest_size=8).digest()
        uniform = (int.from_bytes(digest) + 1) / (_MOST + 1)
        return -math.log(uniform) / weight

    return min((draw(name, weight), name) for name, weight in weights if weight)[1]
