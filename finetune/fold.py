"""The adapter folded into the weights it was trained on.

An adapter trained on a base in NF4 has learned to correct that base, quantisation error and all.
So the delta is added to the dequantised weights, in fp32, and cast once. Adding it to the original
weights, or merging in 4 bit, gives another model than the one that was trained.
"""

from collections.abc import Iterator
from typing import Any

import torch
from bitsandbytes.functional import dequantize_4bit
from bitsandbytes.nn.modules import Linear4bit
from peft import PeftModel
from peft.tuners.lora import LoraLayer

from finetune.model import written_modules
from onbrand.errors import OnbrandError

_ADAPTER = "default"
"""PEFT's name for the one adapter there is."""


@torch.no_grad()
def fold_in(trained: Any, merged: Any) -> None:
    """Write trained weights, adapter included, over the weights of `merged`, in place.

    Of a PeftModel only modules that were quantised or adapted are written; embeddings and
    `lm_head` keep the base's values and their tie. A model that was trained as a whole is written
    as a whole.

    Args:
        trained: a PeftModel, or the whole model; its 4-bit weights as they were loaded.
        merged: the base model, unquantised, in the type that the result shall have.

    Raises:
        OnbrandError: a forward pass has repacked the 4-bit weights of `trained`.
    """
    if not isinstance(trained, PeftModel):
        merged.load_state_dict(trained.state_dict())
        return
    targets = dict(merged.named_modules())
    for name, weight in trained_weights(trained):
        target = targets[name].weight
        target.copy_(weight.to(target.dtype))


@torch.no_grad()
def trained_weights(trained: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Each module that a merge writes, by name, and its weight: fp32, shape (out, in).

    Raises:
        OnbrandError: a forward pass has repacked the 4-bit weights of the PeftModel `trained`.
    """
    modules = dict(trained.get_base_model().named_modules())
    for name in sorted(written_modules(trained)):
        yield name, _trained_weight(name, modules[name])


def _trained_weight(name: str, module: Any) -> torch.Tensor:
    """The weight that does in one product what base and adapter do, fp32, shape (out, in)."""
    adapted = isinstance(module, LoraLayer)
    weight = _full_precision(name, module.get_base_layer() if adapted else module)
    if not adapted:
        return weight
    if _ADAPTER in module.lora_variant:  # DoRA: https://arxiv.org/abs/2402.09353, equation 5
        weight = module.lora_variant[_ADAPTER].merge_safe(module, _ADAPTER, weight)
    else:
        weight = weight + module.get_delta_weight(_ADAPTER).float()
    return torch.as_tensor(weight).float()


def _full_precision(name: str, layer: Any) -> torch.Tensor:
    """The weight a forward pass sees, in fp32, shape (out, in)."""
    weight = layer.weight
    if isinstance(layer, Linear4bit):
        if getattr(weight.quant_state, "packing_format_for_cpu", False):
            # bitsandbytes does so on a CPU with AVX512-BF16; dequantised, it is another weight.
            raise OnbrandError(
                f"The 4-bit weight of {name} was repacked by a forward pass and cannot be merged; "
                "load the model afresh."
            )
        weight = dequantize_4bit(weight.data, weight.quant_state)
    return torch.as_tensor(weight.data).float()
