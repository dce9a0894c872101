"""How fast it learns: the peak that suits a model, and the course of the rate over a run."""

import math
from typing import Any

from onbrand.config import Tune

_MEASURED = 2e-3
"""Best found for an adapter on a model 576 wide (docs/decisions/0037-learning-rate-by-width.md)."""
_MEASURED_WIDTH = 576
_FULL = 5e-5


def peak_learning_rate(tune: Tune, base: Any) -> float:
    """`[tune] learning_rate`, or what suits the method and the width of the base model.

    Wider models want a lower rate, in proportion to 1 / width (https://arxiv.org/abs/2203.03466);
    for 4,096 that comes to 2.8e-4, near the 2e-4 of https://arxiv.org/abs/2305.14314, table 9.

    Args:
        base: the base model's configuration, of Transformers.
    """
    if tune.learning_rate:
        return tune.learning_rate
    if tune.method == "full":
        return _FULL
    width = int(base.get_text_config().hidden_size)
    return _MEASURED * min(1.0, _MEASURED_WIDTH / width)


def learning_rate(step: int, steps: int, peak: float, warmup_share: float) -> float:
    """Of one step: linear warm-up, then a cosine down to a tenth of the peak."""
    warmup = max(1, round(warmup_share * steps))
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return peak * (0.1 + 0.45 * (1 + math.cos(math.pi * done)))
