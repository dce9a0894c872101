"""What a run will hold in memory at its peak, told from the shapes of the model alone.

Notation: d hidden size, f intermediate size, k width of keys (and of values), L tokens of a row of
a forward pass, A answer tokens in it.
"""

from typing import Any

import torch
from pydantic import BaseModel
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from finetune.model import targeted
from onbrand.config import Tune
from onbrand.errors import OnbrandError

NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes of a weight in NF4: four bits, one byte of scale for 64 of them, quantised again with four
bytes for 256 (https://arxiv.org/abs/2305.14314, section 3)."""
TRAINED_BYTES = 4 + 4 + 8
"""Bytes of a trained value: weight, gradient, AdamW's two moments; in fp32."""
BEST_BYTES = 4
"""Bytes of a trained value as it was in the best checkpoint: in fp32, in main memory, in the first
process."""
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
    body: int
    """Values of what every token passes: all but embeddings and head."""
    layers: int
    hidden: int
    intermediate: int
    heads: int
    query_width: int
    key_width: int
    vocabulary: int


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
        if isinstance(module, nn.Linear | Conv1D) and module is not head
    }
    adapted = targeted(linear, settings.modules) if settings.method != "full" else []
    sizes = [module.weight.numel() for module in linear.values()]
    total = sum(parameter.numel() for parameter in model.parameters())
    embeddings = {model.get_input_embeddings().weight, head.weight}  # one where they are tied
    text = config.get_text_config()
    heads = getattr(text, "num_attention_heads", 1)  # a model without attention has none
    head_width = getattr(text, "head_dim", None) or text.hidden_size // heads
    trainable = total
    if settings.method != "full":
        trainable = sum(
            settings.rank * sum(linear[name].weight.shape)
            + (_outputs(linear[name]) if settings.dora else 0)
            for name in adapted
        )
    return Shapes(
        parameters=total,
        quantised=sum(sizes) if settings.method == "qlora" else 0,
        largest_linear=max(sizes, default=0),
        trainable=trainable,
        body=total - sum(weight.numel() for weight in embeddings),
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        intermediate=getattr(text, "intermediate_size", None) or 4 * text.hidden_size,
        heads=heads,
        query_width=head_width * heads,
        key_width=head_width * (getattr(text, "num_key_value_heads", None) or heads),
        vocabulary=text.vocab_size,
    )


def _outputs(layer: nn.Module) -> int:
    """Values that a linear layer gives; GPT-2 keeps its weights the other way round."""
    weight: Any = layer.weight
    return int(weight.shape[1 if isinstance(layer, Conv1D) else 0])


class Memory(BaseModel):
    """Bytes at the peak of one process, by what they are for."""

    weights: int
    adapter: int
    """What is trained: its weights, gradients and optimiser."""
    activations: int
    logits: int
    process: int
    loading: int = 0
    """The whole model, before it is shared out: on a CPU it may be more than a step takes."""
    mapped: int
    """Pages of the weights' file, on a CPU: the system takes them back where memory is short."""

    @property
    def fixed(self) -> int:
        """Bytes that no smaller forward pass saves."""
        return max(self.loading, self.weights + self.adapter) + self.process

    @property
    def needed(self) -> int:
        """Bytes that must be free."""
        step = self.weights + self.adapter + self.activations + self.logits
        return max(self.loading, step) + self.process

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
    shares: int = 1,
) -> Memory:
    """The peak of a training step, in the process that holds most.

    Args:
        shapes: of the model.
        count: rows of the forward pass.
        length: L.
        answers: A.
        dtype: that is computed in.
        device: `cpu` or `cuda`.
        recompute: keep each layer's input only, and what one layer computes from it.
        shares: processes among which weights, gradients and optimiser are shared out.
    """
    size = dtype.itemsize
    is_full = shapes.trainable == shapes.parameters
    best = BEST_BYTES if device == "cpu" else 0
    return Memory(
        weights=_weights(shapes, dtype, shares),
        adapter=round(shapes.trainable * (TRAINED_BYTES / shares + best)),
        activations=_kept(shapes, length, device, recompute) * count * length * size,
        logits=answers * shapes.vocabulary * 4 * 3,  # logits, their softmax, the gradient
        process=round(PROCESS_BYTES[device]),
        loading=(
            round(shapes.parameters * 4 if is_full else _frozen(shapes, size))
            if shares > 1 and device == "cpu"
            else 0
        ),
        mapped=shapes.parameters * size if device == "cpu" else 0,
    )


def _weights(shapes: Shapes, dtype: torch.dtype, shares: int) -> int:
    """Bytes of the weights that are not trained, and of those a pass makes for itself."""
    size = dtype.itemsize
    is_full = shapes.trainable == shapes.parameters
    held = 0.0 if is_full else _frozen(shapes, size) / shares
    if shapes.quantised:
        held += shapes.largest_linear * size
    if shares > 1:
        # Gathered for a pass: embeddings and head to its end, a layer and the one that comes next.
        embeddings, layer = shapes.parameters - shapes.body, shapes.body / shapes.layers
        gathered = embeddings * size + 2 * layer * (NF4_BYTES if shapes.quantised else size)
        held += 2 * gathered if is_full else gathered  # and their gradients, until they are sent
    elif dtype != torch.float32:
        held += shapes.trainable * size  # autocast's copies of what is trained in fp32
    return round(held)


def _frozen(shapes: Shapes, size: int) -> float:
    """Bytes of the base's weights as they are held."""
    return (shapes.parameters - shapes.quantised) * size + shapes.quantised * NF4_BYTES


def _kept(shapes: Shapes, length: int, device: str, recompute: bool) -> int:
    """Values kept for the backward pass, of one token.

    In each layer: three of each norm's step and its input, queries, keys and values before and
    after their rotation, keys and values once more for every head, what attention gives; gate, up,
    their activation and product. The 14 is fitted to peaks that were measured (docs/measured.md).
    """
    d, f, k = shapes.hidden, shapes.intermediate, shapes.key_width
    kept = 14 * d + 4 * k + 4 * f
    if device == "cpu":
        kept += shapes.heads * length  # attention's weights, which a GPU's kernels do not keep
    return shapes.layers * d + kept if recompute else shapes.layers * kept
