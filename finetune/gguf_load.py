"""A model from a GGUF file, in fp32.

Source: https://huggingface.co/docs/transformers/gguf
"""

from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, modeling_gguf_pytorch_utils


def load_gguf(path: Path) -> Any:
    """The model in the file, dequantised.

    transformers shows a bar of tqdm's own there, which `disable_progress_bar` does not know; the
    commands show progress of their own.
    """
    module: Any = modeling_gguf_pytorch_utils
    shown = module.tqdm
    module.tqdm = partial(shown, disable=True)
    try:
        return AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=torch.float32, local_files_only=True
        )
    finally:
        module.tqdm = shown
