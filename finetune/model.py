"""The base model, quantised or not, and the adapter on top of it."""

import re
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from bitsandbytes.nn.modules import Linear4bit
from jinja2 import TemplateError
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)
from transformers.pytorch_utils import Conv1D
from transformers.utils.logging import disable_progress_bar

from onbrand.chat_format import encode_prompt
from onbrand.config import Tune
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError

disable_progress_bar()  # type: ignore[no-untyped-call]  # the commands show progress of their own

_CAUSAL = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
"""How transformers ends the names of models that write text."""

Model = Any
"""A transformers causal language model; the library is not typed."""


def pick_device() -> torch.device:
    """The first CUDA device, or the CPU."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def compute_dtype(device: torch.device) -> torch.dtype:
    """bf16 on a GPU that has it; fp32 elsewhere, since fp16 would need its loss scaled."""
    if device.type != "cuda":
        return torch.float32
    if torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    notes.print("This GPU has no bfloat16; computing in float32, which is slower.")
    return torch.float32


def mixed_precision(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[Any]:
    """What a forward pass runs in: fp32 adapters beside a bf16 base meet in bf16."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype)


def check_base(base: Path, max_tokens: int) -> Any:
    """The configuration of the model in folder `base`, once it is known to be one to tune.

    Reads config.json alone, so that it can be asked before anything is loaded.

    Raises:
        OnbrandError: it is no causal language model.
        UsageError: its context is shorter than `max_tokens`.
    """
    try:
        config = AutoConfig.from_pretrained(base, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise OnbrandError(
            f"{base} holds no causal language model ({_first_line(error)})."
        ) from error
    if other := _other_kind(config):
        named = (config.architectures or [config.model_type])[0]
        raise OnbrandError(
            f"{base} holds a {named}, which is {other}; name a chat model, such as one of the "
            "Llama family, in [model] base."
        )
    context = getattr(config.get_text_config(), "max_position_embeddings", None)
    if context is not None and max_tokens > context:
        raise UsageError(
            f"[tune] max_tokens = {max_tokens} is more than the {context} tokens that the model in "
            f"{base} can see; lower it."
        )
    return config


def _other_kind(config: Any) -> str:
    """What kind of model this is instead of a causal one; empty where it is one."""
    if getattr(config, "is_encoder_decoder", False):
        return "an encoder-decoder and no causal language model"
    named = (config.architectures or [""])[0]
    sees_both_sides = config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if (
        (named and not named.endswith(_CAUSAL))
        or config.model_type not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
        or (sees_both_sides and not getattr(config, "is_decoder", False))
    ):
        return "no causal language model"
    return ""


def load_tokenizer(base: Path) -> Any:
    """The base model's tokenizer.

    Raises:
        OnbrandError: there is none that can be loaded.
        UsageError: it has no chat template, or one that takes no system message; every stage
            relies on both.
    """
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(base, local_files_only=True)
    except (OSError, ValueError, ImportError) as error:
        raise OnbrandError(
            f"The tokenizer in {base} cannot be loaded ({_first_line(error)})."
        ) from error
    if tokenizer.eos_token_id is None:
        raise UsageError(
            f"The tokenizer in {base} has no EOS token, so no answer could end; name another "
            "model in [model] base."
        )
    if tokenizer.chat_template is None:
        raise UsageError(
            f"The tokenizer in {base} has no chat template; choose an instruction-tuned base model."
        )
    try:
        encode_prompt(tokenizer, "system", "user")
    except TemplateError as error:
        raise UsageError(
            f"The chat template in {base} refuses the system message that carries the persona "
            f"({_first_line(error)}); name another model in [model] base."
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _first_line(error: Exception) -> str:
    """What an error of a library says, without the advice that follows."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    return said[0].rstrip(".:")


def load_base(base: Path, method: str, device: torch.device, dtype: torch.dtype) -> Model:
    """Load the base model on `device`; with method "qlora" its linear layers are in NF4.

    NF4 with double quantisation as in QLoRA (https://arxiv.org/abs/2305.14314, section 3). The
    weights are cast to `dtype` before they are quantised, so another dtype gives other codes.

    Raises:
        OnbrandError: the folder does not hold a causal language model that can be loaded whole.
    """
    quantisation = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    try:
        loader: Any = AutoModelForCausalLM  # its annotations leave out what is returned here
        model, report = loader.from_pretrained(
            base,
            dtype=torch.float32 if method == "full" else dtype,
            device_map={"": device},
            local_files_only=True,
            quantization_config=quantisation if method == "qlora" else None,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise OnbrandError(f"{base} could not be loaded as a causal model: {error}") from error
    if report["missing_keys"]:
        # transformers would go on with random numbers in their place.
        raise OnbrandError(
            f"The model in {base} lacks weights of a causal model "
            f"({min(report['missing_keys'])}, …); name another in [model] base."
        )
    for module in model.modules():
        if isinstance(module, Linear4bit):
            # On a CPU with AVX512-BF16 the first forward pass in eval mode would repack the
            # weight, after which gradients and merges are silently wrong.
            module.support_avx512bf16_for_cpu = False
    return model


def trainable_model(model: Model, tune: Tune) -> Model:
    """The loaded base with what is to be trained: a fresh adapter, or all of its weights."""
    if tune.recompute:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()
    return model if tune.method == "full" else add_adapter(model, tune)


def add_adapter(model: Model, tune: Tune) -> Model:
    """Freeze the base and put a fresh LoRA adapter on it (https://arxiv.org/abs/2106.09685).

    Also rank-stabilised (https://arxiv.org/abs/2312.03732) and decomposed into direction and size
    (https://arxiv.org/abs/2402.09353).
    """
    torch.manual_seed(tune.seed)
    config = LoraConfig(
        r=tune.rank,
        lora_alpha=tune.alpha,
        lora_dropout=tune.dropout,
        target_modules=tune.modules,
        use_rslora=tune.rslora,
        use_dora=tune.dora,
        task_type="CAUSAL_LM",
    )
    head = model.get_output_embeddings()
    layers = {n: m for n, m in model.named_modules() if isinstance(m, torch.nn.Linear | Conv1D)}
    targeted([name for name, module in layers.items() if module is not head], tune.modules)
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise UsageError(f"[tune] modules = {tune.modules!r} fits nothing: {error}") from error


def targeted(linear: Collection[str], modules: str | list[str]) -> list[str]:
    """The linear layers, by name, that get an adapter, of `linear`, which leaves out the head.

    PEFT's rule, told before there is a model for it: `all-linear`, the ends of names, or a regular
    expression for whole names.

    Raises:
        UsageError: none does, or one that is listed fits none.
    """
    if modules == "all-linear":
        return list(linear)
    known = sorted({name.rpartition(".")[2] for name in linear})
    if isinstance(modules, str):
        try:
            found = [name for name in linear if re.fullmatch(modules, name)]
        except re.error as error:
            raise UsageError(
                f"[tune] modules = {modules!r} is no regular expression ({error}); give a list "
                f"such as {known[:2]}."
            ) from error
        unfit = [] if found else [modules]
    else:
        found = [name for name in linear if f".{name}".endswith(tuple(f".{m}" for m in modules))]
        unfit = [m for m in modules if not any(f".{name}".endswith(f".{m}") for name in linear)]
    if unfit or not found:
        named = ", ".join(map(repr, unfit)) or repr(modules)
        hint = f"; give a list: [{modules!r}]" if modules in known else ""
        raise UsageError(
            f"[tune] modules: {named} fits no layer that can be adapted; this model has "
            f"{', '.join(known)}{hint}."
        )
    return found


@dataclass(frozen=True)
class TrainedAs:
    """How the base was loaded for training; loaded otherwise, its weights are others."""

    method: str
    dtype: torch.dtype


def load_trained(base: Path, adapter: Path, trained_as: TrainedAs) -> Model:
    """The model that was trained, base and adapter, for use and not for training.

    On the CPU, whatever the GPU holds: what is done with it is small work, and memory the limit.
    """
    if trained_as.method == "full":
        return load_base(adapter, "full", torch.device("cpu"), trained_as.dtype).eval()
    model = load_base(base, trained_as.method, torch.device("cpu"), trained_as.dtype)
    return PeftModel.from_pretrained(model, adapter, local_files_only=True).eval()


def written_modules(trained: Model) -> set[str]:
    """Names of the modules whose weights a merge writes: those quantised, and those adapted.

    `trained` is a PeftModel; embeddings and `lm_head` are none of them.
    """
    found = set()
    for name, module in trained.get_base_model().named_modules():
        is_adapted = isinstance(module, LoraLayer)
        if is_adapted or (isinstance(module, Linear4bit) and not name.endswith(".base_layer")):
            found.add(name)
    return found


def parameter_counts(model: Model) -> tuple[int, int]:
    """(trainable, all) parameters; a 4-bit weight counts each of its values."""
    if isinstance(model, PeftModel):
        trainable, total = model.get_nb_trainable_parameters()
        return int(trainable), int(total)
    total = sum(parameter.numel() for parameter in model.parameters())
    return total, total
