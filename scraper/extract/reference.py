"""What trafilatura takes for the main text, as evidence on each block."""

import logging

import lxml.html
import numpy as np
from trafilatura import bare_extraction
from trafilatura.settings import Document

from scraper.extract.text_features import Rows
from scraper.extract.words import words

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
"""A page without text is nothing to report; it is dropped with that reason."""


def reference_of(tree: lxml.html.HtmlElement) -> str:
    """Trafilatura's main text, without its slow second opinions; the tree is not changed."""
    try:
        document = bare_extraction(tree, fast=True, include_comments=True, with_metadata=False)
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError):
        return ""  # it trips over some broken markup; the blocks are judged without it
    return (document.text or "") if isinstance(document, Document) else ""


def agreement(texts: list[list[str]], reference: str) -> Rows:
    """Three columns: the share of a block in the reference, its length, and its share of the page.

    `texts` are the words of each block. One of three words or more is compared by its runs of
    three words, a shorter one whole.
    """
    wanted = words(reference)
    runs = set(zip(wanted, wanted[1:], wanted[2:], strict=False))
    lines = {" ".join(words(line)) for line in reference.split("\n")}
    shared = np.zeros(len(texts))
    sizes = np.zeros(len(texts))
    for number, own in enumerate(texts):
        sizes[number] = len(own)
        if len(own) >= 3:
            found = [run in runs for run in zip(own, own[1:], own[2:], strict=False)]
            shared[number] = sum(found) / len(found)
        else:
            shared[number] = " ".join(own) in lines
    covered = float((sizes * shared).sum()) / max(float(sizes.sum()), 1.0)
    columns = [shared, np.full(len(texts), np.log1p(len(runs))), np.full(len(texts), covered)]
    return np.stack(columns, axis=1).astype(np.float32)
