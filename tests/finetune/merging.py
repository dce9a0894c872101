"""Adapters made by hand, and models written in ways a merge must not be."""

from pathlib import Path
from typing import Any

import torch
from bitsandbytes.functional import (
    _convert_weight_packed_for_cpu,
    dequantize_4bit,
    has_avx512bf16,
    quantize_4bit,
)
from bitsandbytes.nn.modules import Linear4bit
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM

from finetune.model import TrainedAs, load_base, load_trained

CPU = torch.device("cpu")
QLORA = TrainedAs("qlora", torch.float32)


def make_adapter(base: Path, folder: Path, method: str, **kind: Any) -> None:
    """An adapter with an effect of its own, as PEFT saves it."""
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=16, target_modules="all-linear", **kind)
    model: Any = get_peft_model(load_base(base, method, CPU, torch.float32), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.05)
        elif "magnitude" in name:
            weight.data *= torch.empty_like(weight).uniform_(0.8, 1.25)
    model.save_pretrained(folder)


def on_the_original_base(base: Path, adapter: Path) -> Any:
    """What PEFT's documentation shows: the adapter of a quantised base on the unquantised one."""
    return load_trained(base, adapter, TrainedAs("lora", torch.float32)).merge_and_unload()


def in_four_bit(base: Path, adapter: Path) -> Any:
    """PEFT's merge into NF4, dequantised afterwards."""
    return _dequantised(load_trained(base, adapter, QLORA).merge_and_unload(), base)


def after_an_evaluation(base: Path, adapter: Path) -> Any:
    """A merge from weights that a forward pass has repacked, as on a CPU with AVX512-BF16.

    Where the CPU has it the pass does so itself; elsewhere bitsandbytes' own function is called.
    """
    trained = load_trained(base, adapter, QLORA)
    layers = [module for module in trained.modules() if isinstance(module, Linear4bit)]
    for layer in layers:
        layer.support_avx512bf16_for_cpu = True
        if not has_avx512bf16():
            packed, _ = _convert_weight_packed_for_cpu(layer.weight.data, layer.weight.quant_state)
            layer.weight.data = packed
    if has_avx512bf16():
        with torch.no_grad():
            trained(input_ids=torch.tensor([[1, 5, 9]]))
    return _dequantised(trained, base)


def with_embeddings_round_tripped(model: Any) -> Any:
    """The embeddings in NF4 and back, as when all tensors are dequantised alike."""
    weight = model.get_input_embeddings().weight
    codes, state = quantize_4bit(weight.data, quant_type="nf4")
    weight.data = dequantize_4bit(codes, state)
    return model


@torch.no_grad()
def _dequantised(quantised: Any, base: Path) -> Any:
    """A plain model with the dequantised weights, and the adapter where there still is one."""
    plain = AutoModelForCausalLM.from_pretrained(base)
    targets = dict(plain.named_modules())
    root = quantised.get_base_model() if hasattr(quantised, "get_base_model") else quantised
    for name, module in root.named_modules():
        layer = module.get_base_layer() if isinstance(module, LoraLayer) else module
        if not isinstance(layer, Linear4bit) or name.endswith(".base_layer"):
            continue
        weight = dequantize_4bit(layer.weight.data, layer.weight.quant_state).float()
        if isinstance(module, LoraLayer):
            weight += module.get_delta_weight("default")
        targets[name].weight.copy_(weight)
    return plain
