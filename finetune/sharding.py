"""A model in parts: every process holds a share of each weight, and gathers a layer to use it.

PyTorch's `fully_shard` (FSDP2) does it. Whatever runs the model, or reads whole weights, must then
be done by all processes together: one that stays away leaves the others waiting.
"""

from types import MethodType
from typing import Any

import torch
from bitsandbytes.nn.modules import Linear4bit
from peft import PeftModel
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import (
    FSDPModule,
    MixedPrecisionPolicy,
    fully_shard,
    register_fsdp_forward_method,
)
from torch.distributed.tensor import DTensor, distribute_tensor

from finetune.loss import answer_logits
from finetune.processes import Processes


def shard(model: Any, processes: Processes, dtype: torch.dtype) -> None:
    """Leave each process its share of all weights, in place, on its device.

    A layer is gathered when a pass reaches it, and let go after it; embeddings and head likewise.
    Gradients are summed, not averaged, as `Processes.add_gradients` does without shards.

    Args:
        model: as `trainable_model` returns it, the same in all processes; may be on the CPU still.
        processes: that take a share each.
        dtype: that is computed in. What is trained stays in fp32, and so do its gradients' sums.
    """
    causal_lm: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    mesh = init_device_mesh(processes.device.type, (processes.count,))
    # Gathered in the type it is computed in: autocast would keep its own cast of every layer.
    policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32)
    kinds = causal_lm._no_split_modules or ()
    layers = [module for module in causal_lm.modules() if type(module).__name__ in kinds]
    for module in causal_lm.modules():
        if isinstance(module, Linear4bit):
            _plain_codes(module, processes.device)
    for module in (*layers, causal_lm):
        # The outermost one too is let go after a pass, or its parameters would be other objects
        # than those the optimiser knows whenever a pass was not followed by a backward one.
        part = fully_shard(module, mesh=mesh, mp_policy=policy, reshard_after_forward=True)
        part.set_gradient_divide_factor(1.0)
        part.set_force_sum_reduction_for_comms(True)  # gloo knows no other
    causal_lm.answer_logits = MethodType(answer_logits, causal_lm)
    register_fsdp_forward_method(causal_lm, "answer_logits")


def _plain_codes(module: Any, device: torch.device) -> None:
    """Make a 4-bit weight the tensor of its codes, and the layer keep what decodes them.

    Sharding makes new parameters, which know nothing of it; bitsandbytes then asks the layer. It is
    1/32 of the codes and stays whole. The codes stay bytes, which `fully_shard` leaves as they
    are. Stored as floats (`bnb_4bit_quant_storage`), which its forerunner needed, they would be
    changed by being gathered in another type.
    """
    module.quant_state = module.weight.quant_state
    module.quant_state.to(device)
    module.weight = torch.nn.Parameter(module.weight.data, requires_grad=False)


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """All of a tensor of which each process has a part; any other as it is."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def part_like(full: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """This process's part of `full`, cut as `like` is; all of it where `like` is whole."""
    if not isinstance(like, DTensor):
        return full
    return distribute_tensor(full, like.device_mesh, like.placements, src_data_rank=None)


def forget_failed_pass(model: Any) -> None:
    """Make a sharded model usable again after an error in a forward pass."""
    causal_lm: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    if isinstance(causal_lm, FSDPModule):
        causal_lm.reset_iter_state()
