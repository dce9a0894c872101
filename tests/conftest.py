"""Fixtures that several stages share: real models, small enough for a CPU."""

import os
from pathlib import Path

import pytest

# Tests talk to loopback only; a proxy would be asked for 127.0.0.1 as well.
for _name in ("http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(_name, None)
    os.environ.pop(_name.upper(), None)

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
needs_shared_data = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason=f"needs the real data sets in {SHARED_DATA}"
)


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The embedded base model, SmolLM2-135M-Instruct, in the person's own cache."""
    from onbrand.base_models import resolve
    from onbrand.cli.common import gguf_converter

    return resolve("smollm2-135m", Path.cwd(), gguf_converter)


@pytest.fixture(scope="session")
def tiny_llama(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of 3.2 M parameters with random weights and the embedded model's tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny-llama")
    tokenizer = AutoTokenizer.from_pretrained(smollm2, local_files_only=True)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        initializer_range=0.3,  # the usual 0.02 leaves tied logits too flat to learn anything
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    # The row of the padding token starts as zeros; it is EOS's too, which then is never said.
    torch.nn.init.normal_(model.get_input_embeddings().weight[tokenizer.eos_token_id], std=0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
