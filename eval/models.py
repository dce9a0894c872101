"""A model in a local folder, as evaluation uses it: fp32 on a CPU, bf16 on a GPU, never a hub."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel
from transformers.utils import logging

from onbrand.errors import OnbrandError

_LOADER: Any = AutoModelForCausalLM  # its annotations leave out what output_loading_info returns


class LocalModel:
    """A causal language model and its tokenizer, each loaded when it is first needed."""

    def __init__(self, name: str, folder: Path, identity: str):
        """`identity` is a hash of the weights; cached generations are kept under it."""
        self.name = name
        self.folder = folder
        self.identity = identity
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32

    @cached_property
    def tokenizer(self) -> Any:
        """The folder's tokenizer.

        Raises:
            OnbrandError: it cannot be loaded, or it has no chat template.
        """
        try:
            tokenizer = AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
        except (OSError, ValueError) as error:
            raise OnbrandError(f"{self.folder} holds no tokenizer that can be loaded.") from error
        if not tokenizer.chat_template:
            raise OnbrandError(
                f"The tokenizer in {self.folder} has no chat template; "
                "choose a chat model as model.base in brand.toml."
            )
        return tokenizer

    @cached_property
    def model(self) -> PreTrainedModel:
        """The weights, on the device, in eval mode and without gradients.

        Raises:
            OnbrandError: they cannot be loaded, or some of them are missing.
        """
        try:
            with _no_loading_bars():
                model, report = _LOADER.from_pretrained(
                    self.folder, dtype=self.dtype, local_files_only=True, output_loading_info=True
                )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise OnbrandError(f"{self.folder} holds no model that can be loaded.") from error
        if report["missing_keys"]:
            # transformers would go on with random numbers in their place.
            raise OnbrandError(
                f"The model in {self.folder} lacks weights ({min(report['missing_keys'])}, …); "
                "make it again."
            )
        # Of the model's own generation settings (temperature, repetition penalty, …) only the
        # tokens that end an answer are kept: the decoding is evaluation's, equal for all models.
        named = model.generation_config.eos_token_id
        ends = {*(named if isinstance(named, list) else [named]), self.tokenizer.eos_token_id}
        model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
            eos_token_id=sorted(end for end in ends if end is not None), pad_token_id=self.pad_id
        )
        return model.to(self.device).eval().requires_grad_(False)  # type: ignore[no-any-return]

    @property
    def pad_id(self) -> int:
        """What fills the unused places of a batch; masked, so any id will do."""
        pad = self.tokenizer.pad_token_id
        return int(self.tokenizer.eos_token_id if pad is None else pad)

    def decode(self, ids: tuple[int, ...] | list[int]) -> str:
        """The text of some ids, as it is scored and shown."""
        return str(
            self.tokenizer.decode(
                list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )

    def unload(self) -> None:
        """Free the weights; two models need not be in memory at once."""
        self.__dict__.pop("model", None)
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


@contextmanager
def _no_loading_bars() -> Iterator[None]:
    """Keep transformers' own progress bars away from ours."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
