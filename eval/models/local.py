"""A model in a local folder, as evaluation uses it: fp32 on a CPU, bf16 on a GPU, never a hub."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel
from transformers.utils import logging

from eval.half_split import HalfSplit, Item, in_own_tokens, text_of
from eval.models.card import ModelCard
from eval.models.decoding import continue_greedily, draw, padding_checks
from eval.models.likelihood import second_half_nlls
from eval.models.model import Greedy, PaddingCheck, Sampled, Sampling
from onbrand.config import Brand
from onbrand.errors import OnbrandError

_LOADER: Any = AutoModelForCausalLM  # its annotations leave out what output_loading_info returns


class LocalModel:
    """A causal language model and its tokenizer, each loaded when it is first needed.

    Args:
        name: what the report calls it.
        folder: weights and tokenizer.
        identity: hash of the weights; what it generates is kept under it.
        adapter: folder of a LoRA adapter that is put on top, as it is, without merging.
        brand: whose persona stands in the prompt.
        batch_size: texts at once, which the last bits of its figures depend on.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        identity: str,
        *,
        adapter: Path | None = None,
        brand: Brand | None = None,
        batch_size: int = 16,
    ):
        self.name = name
        self.folder = folder
        self.identity = identity
        self.adapter = adapter
        self.batch_size = batch_size
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        self._brand = brand or Brand()
        self._own_tokenizer = False

    @property
    def card(self) -> ModelCard:
        """What it is."""
        return ModelCard(
            name=self.name,
            kind="adapter" if self.adapter else "local",
            where=str(self.adapter or self.folder),
            hash=self.identity,
            asked="prefilled",
            own_tokenizer=self._own_tokenizer,
            settings={
                "dtype": str(self.dtype).removeprefix("torch."),
                "device": self.device.type,
                "batch": self.batch_size,
            },
        )

    def view(self, split: HalfSplit) -> HalfSplit:
        """The items in this model's own tokens; the same ones where its tokenizer made them."""
        own = [in_own_tokens(item, self.tokenizer, self._brand) for item in split.items]
        # Decoding and encoding the halves apart may change ids of the very same tokenizer.
        if all(self._reads_alike(item, mine) for item, mine in zip(split.items, own, strict=True)):
            return split
        self._own_tokenizer = True
        return HalfSplit(own, split.too_short)

    def _reads_alike(self, item: Item, own: Item) -> bool:
        return item.prompt_ids == own.prompt_ids and (
            item.first_half == self.decode(item.first_ids)
            and item.second_half == self.decode(item.second_ids)
        )

    def greedy(self, batch: Sequence[Item]) -> list[Greedy]:
        """The likeliest continuation of each item."""
        return [
            Greedy(
                exact=self.decode(ids),
                natural=self.decode(ids[:stop]),
                stopped=stop is not None,
                tokens=len(ids),
            )
            for ids, stop in continue_greedily(self.model, batch, self.pad_id)
        ]

    def sampled(self, batch: Sequence[Item], sampling: Sampling) -> list[Sampled]:
        """A continuation of each item drawn by chance; each item's own, whatever the batch."""
        return [
            Sampled(text=self.decode(ids), stopped=stopped, tokens=len(ids))
            for ids, stopped in draw(self.model, batch, self.pad_id, sampling)
        ]

    def likelihoods(self, batch: Sequence[Item]) -> list[float]:
        """-ln p of each real second half, nats.

        Raises:
            OnbrandError: the model computes NaN or infinity.
        """
        try:
            return second_half_nlls(self.model, batch, self.pad_id)
        except FloatingPointError as error:
            raise OnbrandError(
                f"The model in {self.adapter or self.folder} gives no finite probabilities; "
                "make it again."
            ) from error

    def padding_checks(self, items: Sequence[Item]) -> list[PaddingCheck]:
        """The shortest prompts continued beside the longest one, and alone."""
        return padding_checks(self.model, items, self.pad_id)

    @cached_property
    def tokenizer(self) -> Any:
        """The folder's tokenizer; raises as `tokenizer_in`."""
        return tokenizer_in(self.folder)

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
        if self.adapter:
            model = _with_adapter(model, self.adapter)
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
        return text_of(self.tokenizer, ids)

    def unload(self) -> None:
        """Free the weights; two models need not be in memory at once."""
        self.__dict__.pop("model", None)
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def tokenizer_in(folder: Path) -> Any:
    """The folder's tokenizer.

    Raises:
        OnbrandError: it cannot be loaded, or it has no chat template.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise OnbrandError(f"{folder} holds no tokenizer that can be loaded.") from error
    if not tokenizer.chat_template:
        raise OnbrandError(
            f"The tokenizer in {folder} has no chat template; "
            "choose a chat model as model.base in brand.toml."
        )
    return tokenizer


def _with_adapter(model: PreTrainedModel, adapter: Path) -> Any:
    """The model with a LoRA adapter beside its weights, in the model's own precision."""
    from peft import PeftConfig, PeftModel, load_peft_weights, set_peft_model_state_dict

    try:
        config = PeftConfig.from_pretrained(str(adapter))
        beside: Any = PeftModel(model, config)
        weights = load_peft_weights(str(adapter), device="cpu")
        loaded: Any = set_peft_model_state_dict(beside, weights)
        if loaded.unexpected_keys:  # PEFT would leave them out without a word
            raise ValueError(loaded.unexpected_keys[0])
        return beside.to(model.dtype)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise OnbrandError(
            f"{adapter} holds no adapter that fits the model in {model.name_or_path}."
        ) from error


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
