"""Whether the engine answers: true only after it has generated a token."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from serving.engine.client import EngineClient

State = Literal["starting", "ready", "restarting", "down"]


@dataclass
class Readiness:
    """What `/ready` reports. Requests that find the engine gone set `reason` too."""

    reason: str | None = "The engine has not answered yet."
    """Why not; None when it answers."""
    restarts: int = 0
    """How often it was started again since the gateway started."""
    hopeless: bool = False
    """It will not come: it turned down the probe itself (wrong key, unknown model), or did not
    come up in several starts."""
    was_ready: bool = False
    """It has answered since the gateway started."""
    ours: bool = False
    """It runs here, so that it is started again when it fails."""

    @property
    def state(self) -> State:
        """One word for a dashboard. An engine elsewhere that went away is `down`."""
        if self.reason is None:
            return "ready"
        if self.hopeless or (self.was_ready and not self.ours):
            return "down"
        return "restarting" if self.was_ready or self.restarts else "starting"

    async def watch(self, client: "EngineClient") -> None:
        """Keep this true, and the engine alive where it is ours; runs until cancelled."""
        from serving.engine.supervisor import Supervisor  # it imports this module

        await Supervisor(client, self).run()
