"""Results kept as they come, so that a killed evaluation goes on where it was.

One JSON Lines file per model: `{"key": …, "value": …}`, appended and flushed after each batch. A
line that a kill cut short is passed over, and what it held is computed again.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def cache_key(**parts: Any) -> str:
    """SHA-256 over everything that a result depends on, besides the model."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Cache:
    """The results of one model, by key."""

    def __init__(self, folder: Path, identity: str):
        """`identity` is the model's hash."""
        self.path = folder / f"{identity[:32]}.jsonl"
        self._values: dict[str, Any] = {}
        if self.path.is_file():
            for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    entry = json.loads(line)
                    self._values[entry["key"]] = entry["value"]
                except (ValueError, KeyError, TypeError):
                    continue

    def __contains__(self, key: str) -> bool:
        """Whether the result is known."""
        return key in self._values

    def __getitem__(self, key: str) -> Any:
        """The result; KeyError when it is not known."""
        return self._values[key]

    def add(self, results: Mapping[str, Any]) -> None:
        """Append a batch of results."""
        lines = [json.dumps({"key": key, "value": value}) for key, value in results.items()]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as stream:
            # The line break in front ends a line that a kill may have cut short.
            stream.write("\n" + "\n".join(lines) + "\n")
        self._values.update(results)

    def clear(self) -> None:
        """Forget everything about this model."""
        self.path.unlink(missing_ok=True)
        self._values.clear()
