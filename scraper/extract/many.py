"""Many pages at once, on all processor cores."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from scraper.extract.score import Scored, score

_FEW = 24
"""Pages. Starting other processes takes longer than reading so few."""


def score_all(pages: Sequence[str]) -> Iterator[Scored]:
    """Read and judge pages of HTML, in their order."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if len(pages) < _FEW or not cores or cores < 2:
        yield from map(score, pages)
        return
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        yield from pool.map(score, pages, chunksize=4)
