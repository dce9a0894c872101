"""The header `Retry-After`, as every server that a bot asks sends it."""

import math


def retry_after(given: str | None) -> float | None:
    """Seconds to wait; None where it names no number of them.

    RFC 9110, section 10.2.3, also allows a date, which none of them sends.
    """
    try:
        seconds = float(given or "")
    except ValueError:
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
