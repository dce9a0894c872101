"""Many pages at once, on all processor cores."""

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from scraper.extract.score import Scored, score

_FEW = 24
"""Pages. Starting other processes takes longer than reading so few."""


def score_all(pages: Sequence[str]) -> Iterator[Scored]:
    """Read and judge pages of HTML, in their order; the work begins with the call."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if len(pages) < _FEW or not cores or cores < 2:
        return map(score, pages)
    pool = ProcessPoolExecutor(cores, mp_context=get_context(_start_method()))
    scored = pool.map(score, pages, chunksize=4)
    return _closing(pool, scored)


def _start_method() -> str:
    """How to start other processes: copies of this one have everything imported.

    A copy of a process with several threads may wait for ever for a lock that another one held.
    """
    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"


def _closing(pool: ProcessPoolExecutor, scored: Iterator[Scored]) -> Iterator[Scored]:
    with pool:
        yield from scored
