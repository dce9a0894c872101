"""An adapter of the base, said anew for the merged model that is served."""

from collections.abc import Mapping

from onbrand.errors import UsageError
from serving.adapters.lora_folder import Delta


def rebased(new: Mapping[str, Delta], merged: Mapping[str, Delta]) -> dict[str, Delta]:
    """What to add to base + `merged` to get base + `new`: `new` - `merged`, exactly.

    A difference of two low-rank products is one of the sum of their ranks.

    Args:
        new: The adapter to serve.
        merged: The one that the served model has in it already.

    Raises:
        UsageError: their shapes differ, so that they are not of one base.
    """
    import numpy as np

    found = {}
    for name in sorted({*new, *merged}):
        parts = []
        if name in new:
            parts.append(new[name])
        if name in merged:
            parts.append(Delta(merged[name].down, -merged[name].up))
        try:
            down = np.concatenate([part.down for part in parts], axis=0)
            up = np.concatenate([part.up for part in parts], axis=1)
        except ValueError as error:
            raise UsageError(f"The adapters differ in the shape of {name}.") from error
        found[name] = Delta(down, up)
    return found
