"""A GGUF file as a Transformers folder: dequantised once to fp32, with its tokenizer.

Source: https://huggingface.co/docs/transformers/gguf
"""

from pathlib import Path

from transformers import AutoTokenizer

from finetune.gguf_load import load_gguf
from onbrand.atomic import atomic_folder


def convert(gguf: Path, folder: Path) -> None:
    """Write the model in `gguf` to `folder` (safetensors, fp32), atomically."""
    model = load_gguf(gguf)
    tokenizer = AutoTokenizer.from_pretrained(
        gguf.parent, gguf_file=gguf.name, local_files_only=True
    )
    # The weights are plain fp32 now; what still says otherwise would make saving refuse.
    del model.config.quantization_config
    del model.hf_quantizer
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    with atomic_folder(folder) as partial:
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
