"""Workspaces with a merged model, and adapters made by hand."""

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from onbrand.artifact import Manifest, folder_hash, write_manifest
from onbrand.model_identity import identity_of
from onbrand.workspace import Workspace

BRAND_TOML = '[brand]\nname = "Salt"\n[serving]\nengine = "vllm"\n[vllm]\nmax_adapters = 2\n'


def manifest(folder: Path, command: str, inputs: dict[str, str], pattern: str = "**/*") -> str:
    output_hash = folder_hash(folder, pattern)
    described = Manifest(
        command=command,
        config_hash="",
        inputs=inputs,
        output_hash=output_hash,
        started_at="",
        finished_at="",
    )
    write_manifest(folder, described)
    return output_hash


def make_lora(base: Path, folder: Path, seed: int, **kind: Any) -> Path:
    """An adapter with an effect of its own, as `onbrand tune` leaves it."""
    torch.manual_seed(seed)
    settings = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], **kind}
    model: Any = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base), LoraConfig(task_type="CAUSAL_LM", **settings)
    )
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(folder)
    manifest(folder, "tune", {"base": identity_of(base)}, "adapter_*")
    return folder


def make_llama(tokenizer_of: Path, folder: Path) -> Path:
    """The tiny Llama with heads of 32, the smallest that vLLM takes."""
    config = LlamaConfig.from_pretrained(tokenizer_of, hidden_size=128, head_dim=32)
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tokenizer_of).save_pretrained(folder)
    return folder


def merge(base: Path, adapter: Path, folder: Path) -> None:
    model: Any = AutoModelForCausalLM.from_pretrained(base)
    PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    inputs = {"adapter": folder_hash(adapter, "adapter_*"), "base": identity_of(base)}
    manifest(folder, "merge", inputs)


def make_workspace(root: Path, base: Path) -> Workspace:
    (root / "brand.toml").write_text(BRAND_TOML)
    workspace = Workspace(root)
    make_lora(base, workspace.adapter, seed=1)
    merge(base, workspace.adapter, workspace.merged)
    return workspace


def logits(model: Path, adapter: Path | None = None) -> torch.Tensor:
    loaded: Any = AutoModelForCausalLM.from_pretrained(model)
    if adapter:
        loaded = PeftModel.from_pretrained(loaded, adapter)
    with torch.no_grad():
        found: torch.Tensor = loaded.eval()(torch.arange(100, 140)[None]).logits
    return found


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    """Relative, as in docs/merge.md."""
    return float((one - other).norm() / other.norm())
