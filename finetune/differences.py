"""How far two models, or two tokenizers, are apart."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import torch
from bitsandbytes.nn.modules import Linear4bit
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file

from finetune.examples import Example
from finetune.fold import trained_weights
from onbrand.chat_format import encode_text


def in_fp32(model: Any) -> Any:
    """The model, in place, computing in fp32; the weights keep the values they were rounded to."""
    model.float()
    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.compute_dtype, module.compute_type_is_set = torch.float32, True
    return model


@torch.no_grad()
def relative_logit_error(expected: Any, found: Any, examples: Sequence[Example]) -> float:
    """||found - expected|| / ||expected|| over the logits of all examples.

    Of vocabularies of different sizes the common part is compared.
    """
    difference, size = 0.0, 0.0
    for example in examples:
        ids = torch.tensor([example.prompt + example.answer])
        right, other = (model(input_ids=ids).logits.float() for model in (expected, found))
        width = min(right.shape[-1], other.shape[-1])
        right, other = right[..., :width], other[..., :width]
        difference += float((other - right).square().sum())
        size += float(right.square().sum())
    return float((difference / size) ** 0.5)


@torch.no_grad()
def weight_error(trained: Any, merged: Any) -> float:
    """Largest ||found - expected|| / ||expected|| of a matrix that the merge has written.

    Matrix by matrix a wrong sum shows where the logits drown it in the rounding of 16 bits. A model
    that was trained as a whole has no such matrices.
    """
    if not isinstance(trained, PeftModel):
        return 0.0
    modules = dict(merged.named_modules())
    return max(
        float((modules[name].weight.float() - expected).norm() / expected.norm())
        for name, expected in trained_weights(trained)
    )


def unused_tensors(trained: Any, adapter: Path) -> int:
    """Tensors in the files of `models/adapter/` that `trained` does not hold, value for value."""
    if isinstance(trained, PeftModel):
        held = get_peft_model_state_dict(trained, save_embedding_layers=False)
    else:
        held = trained.state_dict()
    return sum(
        name not in held or not torch.equal(held[name].float().cpu(), tensor.float())
        for file in sorted(adapter.glob("*.safetensors"))
        for name, tensor in load_file(file).items()
    )


def largest_change(reference: Any, merged: Any, written: Collection[str]) -> float:
    """Largest absolute change of a weight outside the modules `written`; infinite if gone."""
    after = merged.state_dict()
    return max(
        _change(tensor, after.get(name))
        for name, tensor in reference.state_dict().items()
        if name.rpartition(".")[0] not in written
    )


def embedding_change(reference: Any, merged: Any) -> float:
    """Largest absolute change of an input embedding; an adapter never touches them."""
    before, after = (m.get_input_embeddings().weight.detach() for m in (reference, merged))
    return _change(before, after)


def is_tied(model: Any) -> bool:
    """Do the input and output embeddings share their memory?"""
    head = model.get_output_embeddings().weight
    return bool(head.data_ptr() == model.get_input_embeddings().weight.data_ptr())


def tokenizer_changes(before: Any, after: Any, examples: Sequence[Example]) -> int:
    """Training texts that are cut otherwise, and special tokens that have another id."""
    texts = (before.decode(example.prompt + example.answer) for example in examples)
    cut_otherwise = sum(encode_text(before, text) != encode_text(after, text) for text in texts)
    special_ids = ("bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id")
    moved = sum(getattr(before, name) != getattr(after, name) for name in special_ids)
    return int(cut_otherwise + moved)


def _change(before: torch.Tensor, after: torch.Tensor | None) -> float:
    if after is None or before.shape != after.shape:
        return float("inf")
    # What was cast to the type of the merged model has not changed by that.
    return float((before.to(after.dtype).float() - after.float()).abs().max())
