"""What goes wrong on the way to a method, when a test asks for it."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """One failure; `when` says whether the method did its work nevertheless."""

    kind: Literal["ratelimited", "error", "abort", "status", "slow", "hold"]
    error: str = ""
    """Slack's word for it, for `error`."""
    seconds: float = 1.0
    """`Retry-After` of `ratelimited`; the delay of `slow`; `hold` answers never."""
    retry_after: str | None = None
    """The header of `ratelimited` instead of `seconds`; "" for none."""
    status: int = 500
    when: Literal["before", "after"] = "before"
    """`after`: the work is done, but the client does not learn of it."""


@dataclass
class Faults:
    """Failures to come, by method; each happens once, those for `*` to whatever comes."""

    queued: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    lasting: dict[str, Fault] = field(default_factory=dict)
    """Failures that happen every time."""
    first_of_each: Fault | None = None
    """What happens to the first call of every method."""
    happened: list[tuple[str, Fault]] = field(default_factory=list)

    def add(self, method: str, *faults: Fault) -> None:
        """The next calls of `method` fail in these ways."""
        self.queued[method].extend(faults)

    def take(self, method: str) -> Fault | None:
        """What goes wrong with this call."""
        known = {name for name, _ in self.happened}
        if self.first_of_each and method not in known:
            self.happened.append((method, self.first_of_each))
            return self.first_of_each
        for name in (method, "*"):
            if self.queued.get(name):
                fault = self.queued[name].popleft()
                break
        else:
            found = self.lasting.get(method)
            if found is None:
                return None
            fault = found
        self.happened.append((method, fault))
        return fault
