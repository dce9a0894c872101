"""How fast all answers together may be extended."""


class Pace:
    """A bucket of turns: some at once, then as many as Slack's tier 4 allows.

    Waiting loses nothing: the newest text is shown when the turn comes.

    Args:
        at_once: Turns that can be taken without waiting.
        per_minute: Turns that come back.
    """

    def __init__(self, at_once: int = 40, per_minute: float = 100.0) -> None:
        self._most = float(at_once)
        self._left = float(at_once)
        self._per_second = per_minute / 60.0
        self._counted = 0.0

    def turn(self, now: float) -> float:
        """Take a turn; how long to wait for it, in seconds.

        Args:
            now: Seconds on a clock that only goes forward.
        """
        back = (now - self._counted) * self._per_second if self._counted else 0.0
        self._left = min(self._most, self._left + back) - 1.0
        self._counted = now
        return max(-self._left / self._per_second, 0.0)
