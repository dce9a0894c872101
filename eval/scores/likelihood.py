"""How surprised a model is by what the brand really wrote.

Perplexity is per token, and means nothing across two tokenizers. Bits per byte divides the same
surprise by the text's length in UTF-8, so that models with different tokenizers can be compared.
"""

import math
from collections.abc import Sequence

import numpy as np

from eval.scores.metric import Metric, Rows

_MOST_NATS = 700.0
"""A token; e to this power is near the largest number there is."""

_COLUMNS = ("nats", "tokens", "bytes")


def likelihood_rows(
    nats: Sequence[float], tokens: Sequence[int], references: Sequence[str]
) -> Rows:
    """Of each second half: its negative log-likelihood, tokens, and length in UTF-8.

    `references` are the second halves as text.
    """
    lengths = [len(text.encode("utf-8", "surrogatepass")) for text in references]
    return np.stack([np.asarray(nats), tokens, lengths], axis=1).astype(np.float64)


def _perplexity(sums: Sequence[float]) -> float:
    nats, tokens, _ = sums
    # A broken model's would not fit into a number, and still has to be reported.
    return math.exp(min(nats / tokens, _MOST_NATS))


def _bits_per_byte(sums: Sequence[float]) -> float:
    nats, _, length = sums
    return nats / math.log(2) / length


PERPLEXITY = Metric("perplexity", _COLUMNS, _perplexity, "unit:token", lower_is_better=True)
BITS_PER_BYTE = Metric(
    "bits_per_byte", _COLUMNS, _bits_per_byte, "unit:utf-8-byte", lower_is_better=True
)
