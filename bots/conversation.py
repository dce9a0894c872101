"""A conversation on any platform: who said what, no longer than a model can use."""

from onbrand.chat_format import Message


class Conversation:
    """Questions and their answers, oldest first; only the newest turns are kept.

    A turn is a question and its answer. The model sees `messages()` after each `ask`.

    Args:
        max_turns: Turns kept, the unanswered one among them.
    """

    def __init__(self, max_turns: int = 10) -> None:
        if max_turns < 1:
            raise ValueError("max_turns is at least 1")
        self._max_turns = max_turns
        self._answered: list[tuple[str, str]] = []
        self._question: str | None = None

    def ask(self, question: str) -> None:
        """Add what a person said; a question that was never answered is replaced."""
        self._question = question
        surplus = len(self._answered) + 1 - self._max_turns
        self._answered = self._answered[max(surplus, 0) :]

    def answer(self, text: str) -> None:
        """Add the answer to the last question; an empty one drops the question."""
        if self._question is None:
            raise ValueError("nothing was asked")
        if text:
            self._answered.append((self._question, text))
        self._question = None

    def messages(self) -> list[Message]:
        """User and assistant in turn, as chat templates demand, beginning with the user."""
        said: list[Message] = []
        for question, answer in self._answered:
            said += [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ]
        if self._question is not None:
            said.append({"role": "user", "content": self._question})
        return said

    def clear(self) -> None:
        """Begin anew."""
        self._answered.clear()
        self._question = None
