"""Usage and conversations: noted when `[store]` says so, thrown away otherwise."""

import time
from datetime import UTC, datetime
from typing import Any

from serving.store.journal import Journal


class UsageLog:
    """Tokens by user, key, day and model."""

    def __init__(self, journal: Journal, *, wanted: bool) -> None:
        self._journal = journal
        self._wanted = wanted

    def record(
        self, *, user: str, key_id: str, model: str, prompt_tokens: int, completion_tokens: int
    ) -> None:
        """Note one answer; never waits, never fails."""
        if self._wanted:
            self._journal.write(
                {
                    "kind": "usage",
                    "user": user,
                    "key_id": key_id,
                    "day": datetime.now(UTC).date().isoformat(),
                    "model": model,
                    "prompt": prompt_tokens,
                    "completion": completion_tokens,
                }
            )


class ConversationLog:
    """Questions and answers."""

    def __init__(self, journal: Journal, *, wanted: bool) -> None:
        self._journal = journal
        self._wanted = wanted

    def record(
        self, *, request_id: str, user: str, messages: list[dict[str, Any]], answer: str
    ) -> None:
        """Note one question with its answer; never waits, never fails.

        Where neither disk nor memory has room, conversations are left out; usage never is.
        """
        if self._wanted:
            self._journal.write(
                {
                    "kind": "conversation",
                    "request_id": request_id,
                    "user": user,
                    "at": int(time.time()),
                    "messages": [
                        {"role": message["role"], "content": message["content"]}
                        for message in messages
                    ],
                    "answer": answer,
                },
                needed=False,
            )
