"""What one of several processes finds out about its share of a model."""

import json
from pathlib import Path

import torch

from finetune.examples import Example
from finetune.loss import token_losses
from finetune.model import load_base, mixed_precision, trainable_model
from finetune.processes import Processes
from finetune.sharding import forget_failed_pass, shard
from finetune.token_tree import Batch, TokenTree
from onbrand.config import Tune


def look_at_a_share(base: Path, method: str, dtype: torch.dtype, found: Path) -> None:
    """Write bytes and losses, before and after sharding, to `found`/RANK.json."""
    processes = Processes(shard=True)
    model = trainable_model(load_base(base, method, processes.device, dtype), Tune(method=method))
    batch = TokenTree([Example("a", "write", [1, 5, 6], [7, 8, 9, 2])]).batch(processes.device)

    def losses(of: Batch) -> list[float]:
        with torch.no_grad(), mixed_precision(processes.device, dtype):
            return token_losses(model, of).tolist()

    seen: dict[str, object] = {"whole_bytes": _bytes(model), "before": losses(batch)}
    shard(model, processes, dtype)
    seen |= {"share_bytes": _bytes(model), "after": losses(batch)}
    try:
        losses(batch | {"attention_mask": torch.ones(1, 1, 3, 3, dtype=torch.bool)})
    except RuntimeError:
        forget_failed_pass(model)
        seen |= {"after_a_failure": losses(batch)}
    seen["turns"] = list(processes.turns("abc"))
    (found / f"{processes.rank}.json").write_text(json.dumps(seen))


def _bytes(model: torch.nn.Module) -> int:
    """Of all its parameters, as far as they are here; of a 4-bit weight the codes."""
    here = [getattr(p, "to_local", lambda p=p: p)() for p in model.parameters()]
    return sum(part.nbytes for part in here)
