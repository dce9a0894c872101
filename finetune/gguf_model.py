"""A Llama as a GGUF file, for llama.cpp and what is built on it (Ollama, LM Studio).

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from gguf import (
    MODEL_ARCH,
    GGMLQuantizationType,
    GGUFWriter,
    LlamaFileType,
    get_tensor_name_map,
)
from gguf.quants import quantize

from finetune.gguf_tokenizer import write_tokenizer
from onbrand.errors import OnbrandError

Precision = Literal["f16", "q8_0"]
_TYPES = {
    "f16": (GGMLQuantizationType.F16, LlamaFileType.MOSTLY_F16),
    "q8_0": (GGMLQuantizationType.Q8_0, LlamaFileType.MOSTLY_Q8_0),
}


def write_gguf(model: Any, tokenizer: Any, path: Path, precision: Precision, name: str) -> None:
    """Write model and tokenizer to one file.

    Matrices get the precision that is asked for; norms stay in fp32, as llama.cpp wants them.

    Raises:
        OnbrandError: not a Llama, or a tokenizer that GGUF cannot hold.
    """
    config = model.config
    if config.model_type != "llama":
        raise OnbrandError(
            "Only models of the Llama family can be written as GGUF; this one is "
            f"{config.model_type}."
        )
    writer = GGUFWriter(path, "llama")
    _write_sizes(writer, config, name)
    quantised, file_type = _TYPES[precision]
    writer.add_file_type(file_type)
    write_tokenizer(writer, tokenizer, config.vocab_size)
    names = get_tensor_name_map(MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        place = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if place is None:
            raise OnbrandError(f"GGUF has no place for the tensor {key} of this model.")
        values = _rotated(key, tensor.detach().float().cpu().numpy(), config)
        kind = GGMLQuantizationType.F32 if values.ndim == 1 else quantised
        writer.add_tensor(place, quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_sizes(writer: GGUFWriter, config: Any, name: str) -> None:
    heads = config.num_attention_heads
    head_width = getattr(config, "head_dim", None) or config.hidden_size // heads
    writer.add_name(name)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(head_width)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    kind = config.rope_parameters.get("rope_type", "default")
    if kind != "default":
        raise OnbrandError(
            f"This model stretches its context ({kind}); that cannot be written as GGUF yet."
        )


def _rotated(key: str, values: npt.NDArray[np.float32], config: Any) -> npt.NDArray[np.float32]:
    """The rows of queries and keys in llama.cpp's order: it rotates neighbours, not halves.

    Shape (out, in) stays: within a head of width w, row 2 i + s is taken from row s w/2 + i.
    """
    if key.endswith("q_proj.weight"):
        heads = config.num_attention_heads
    elif key.endswith("k_proj.weight"):
        heads = config.num_key_value_heads
    else:
        return values
    rows, columns = values.shape
    halves = values.reshape(heads, 2, rows // heads // 2, columns)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows, columns))
