"""How a method says no."""

from slack_wire.world import Json


class MethodError(Exception):
    """`{"ok": false, "error": …}`."""

    def __init__(self, error: str, **more: object) -> None:
        super().__init__(error)
        self.answer: Json = {"ok": False, "error": error, **more}
