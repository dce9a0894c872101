"""What a run will hold in memory at its peak, told from the shapes of the model alone.

Notation: d hidden size, f intermediate size, k width of keys (and of values), L tokens of a row of
a forward pass, A answer tokens in it.
"""

from typing import Any

import torch
from pydantic import BaseModel
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from finetune.model import targeted
from onbrand.config import Tune
from onbrand.errors import OnbrandError

NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes of a weight in NF4: four bits, one byte of scale for 64 of them, quantised again with four
bytes for 256 (https://arxiv.org/abs/2305.14314, section 3)."""
TRAINED_BYTES = 4 + 4 + 8 + 4
"""Bytes of a trained value: weight, gradient, AdamW's two moments, the best one so far; in fp32."""
PROCESS_BYTES = {"cpu": 0.8e9, "cuda": 0.7e9}
"""What the libraries take before there is a model: code and heap, as measured, or CUDA's context, a
guess."""


class Shapes(BaseModel):
    """What counts of a model; nothing of it is loaded."""

    parameters: int
    quantised: int
    """Of these in 4 bits."""
    largest_linear: int
    """Values of the largest linear layer: dequantised one at a time."""
    trainable: int
    layers: int
    hidden: int
    intermediate: int
    heads: int
    key_width: int
    vocabulary: int
    context: int
    """Tokens that the model can see at once."""


def shapes_of(base: str, settings: Tune) -> Shapes:
    """Read the sizes off a model that is built without memory for its weights.

    Raises:
        OnbrandError: the folder's config.json is no causal language model's.
        UsageError: [tune] modules fits no linear layer.
    """
    try:
        config = AutoConfig.from_pretrained(base, local_files_only=True)
        with torch.device("meta"):
            model: Any = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, KeyError) as error:
        raise OnbrandError(f"{base} holds no causal language model ({error}).") from error
    model.tie_weights()
    head = model.get_output_embeddings()
    linear = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module is not head
    }
    adapted = targeted(linear, settings.modules) if settings.method != "full" else []
    sizes = [module.weight.numel() for module in linear.values()]
    total = sum(parameter.numel() for parameter in model.parameters())
    text = config.get_text_config()
    heads = text.num_attention_heads
    head_width = getattr(text, "head_dim", None) or text.hidden_size // heads
    trainable = total
    if settings.method != "full":
        trainable = sum(
            settings.rank * (module.in_features + module.out_features)
            + (module.out_features if settings.dora else 0)
            for module in (linear[name] for name in adapted)
        )
    return Shapes(
        parameters=total,
        quantised=sum(sizes) if settings.method == "qlora" else 0,
        largest_linear=max(sizes),
        trainable=trainable,
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        intermediate=text.intermediate_size,
        heads=heads,
        key_width=head_width * (getattr(text, "num_key_value_heads", None) or heads),
        vocabulary=text.vocab_size,
        context=text.max_position_embeddings,
    )


class Memory(BaseModel):
    """Bytes at the peak, by what they are for."""

    weights: int
    adapter: int
    """Its weights, gradients and optimiser."""
    activations: int
    logits: int
    process: int
    mapped: int
    """Pages of the weights' file, on a CPU: the system takes them back where memory is short."""

    @property
    def needed(self) -> int:
        """Bytes that must be free."""
        return self.weights + self.adapter + self.activations + self.logits + self.process

    @property
    def total(self) -> int:
        """Bytes in all: the resident set."""
        return self.needed + self.mapped


def memory_of(
    shapes: Shapes,
    count: int,
    length: int,
    answers: int,
    dtype: torch.dtype,
    device: str,
    *,
    recompute: bool = False,
) -> Memory:
    """The peak of a training step.

    Args:
        shapes: of the model.
        count: rows of the forward pass.
        length: L.
        answers: A.
        dtype: that is computed in.
        device: `cpu` or `cuda`.
        recompute: keep each layer's input only, and what one layer computes from it.
    """
    size = dtype.itemsize
    is_full = shapes.trainable == shapes.parameters
    plain = 0 if is_full else shapes.parameters - shapes.quantised
    d, f, k = shapes.hidden, shapes.intermediate, shapes.key_width
    # Kept for the backward pass, a layer and token: three values of each norm's step and its input,
    # queries, keys and values before and after their rotation, keys and values once more for every
    # head, what attention gives; gate, up, their activation and product. The 14 is fitted to peaks
    # that were measured (docs/measured.md).
    kept = 14 * d + 4 * k + 4 * f
    if device == "cpu":
        kept += shapes.heads * length  # attention's weights, which a GPU's kernels do not keep
    kept_in_all = shapes.layers * d + kept if recompute else shapes.layers * kept
    return Memory(
        weights=round(
            plain * size
            + shapes.quantised * NF4_BYTES
            + (shapes.largest_linear * size if shapes.quantised else 0)
        ),
        adapter=shapes.trainable * TRAINED_BYTES,
        activations=kept_in_all * count * length * size,
        logits=answers * shapes.vocabulary * 4 * 3,  # logits, their softmax, the gradient
        process=round(PROCESS_BYTES[device]),
        mapped=shapes.parameters * size if device == "cpu" else 0,
    )
