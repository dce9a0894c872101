"""End an answer before its stop text, however the engine cuts the stream into pieces."""


class StopCut:
    """Passes text through until a stop text appears; the stop text itself never gets out.

    OpenAI's answers leave the stop text out; transformers' server sends it. What could be the
    beginning of a stop text is held back until the next piece decides.
    """

    def __init__(self, stop_texts: list[str]) -> None:
        self._stop_texts = stop_texts
        self._held = ""
        self.stopped = False

    def feed(self, piece: str) -> str:
        """The text that may be shown now."""
        if self.stopped:
            return ""
        text = self._held + piece
        found = [at for at in (text.find(stop) for stop in self._stop_texts) if at >= 0]
        if found:
            self.stopped = True
            self._held = ""
            return text[: min(found)]
        safe = len(text) - self._undecided(text)
        self._held = text[safe:]
        return text[:safe]

    def rest(self) -> str:
        """What was held back, once the answer has ended."""
        held, self._held = self._held, ""
        return held

    def _undecided(self, text: str) -> int:
        """Length of the longest end of `text` with which a stop text begins."""
        return max(
            (
                size
                for stop in self._stop_texts
                for size in range(1, min(len(stop), len(text) + 1))
                if text.endswith(stop[:size])
            ),
            default=0,
        )
