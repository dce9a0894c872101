"""The known traps of tuning a model, each by its name.

Most have a property test or a wrong-way test of their own elsewhere; here each is shown once, on
the smallest thing that falls into it.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from finetune import checkpoint
from finetune.batches import forward_passes, make_batch
from finetune.checkpoint import RunState
from finetune.data import examples_of
from finetune.examples import Example
from finetune.loss import answer_loss, token_losses
from finetune.merge import merge
from finetune.model import (
    TrainedAs,
    check_base,
    load_base,
    load_tokenizer,
    trainable_model,
)
from finetune.token_tree import TokenTree, padded_batch
from finetune.tune import tune
from finetune.verify import verify
from onbrand.artifact import required_manifest, write_manifest
from onbrand.chat_format import encode_prompt
from onbrand.config import Tune
from onbrand.errors import OnbrandError
from onbrand.model_identity import identity_of
from onbrand.workspace import Workspace
from tests.finetune.merging import in_four_bit, on_the_original_base
from tests.finetune.tuned import configure, log_of, losses

CPU = torch.device("cpu")
QLORA = TrainedAs("qlora", torch.float32)


@pytest.fixture
def merged(merged_once: Path, tmp_path: Path) -> Workspace:
    return Workspace(shutil.copytree(merged_once, tmp_path / "workspace"))


@pytest.fixture(scope="module")
def tokenizer(tiny_llama: Path) -> Any:
    return load_tokenizer(tiny_llama)


def failed(workspace: Workspace, base: Path) -> set[str]:
    return {check.name for check in verify(workspace, base, workspace.merged, QLORA).failed}


def test_01_merged_differs_from_trained(merged: Workspace, tiny_llama: Path) -> None:
    assert failed(merged, tiny_llama) == set()
    on_the_original_base(tiny_llama, merged.adapter).save_pretrained(merged.merged)
    assert "relative_logit_error" in failed(merged, tiny_llama)


def test_02_merged_into_four_bit(merged: Workspace, tiny_llama: Path) -> None:
    in_four_bit(tiny_llama, merged.adapter).save_pretrained(merged.merged)
    assert "relative_logit_error" in failed(merged, tiny_llama)


def test_03_never_learns_to_stop_because_pad_is_eos(merged: Workspace, tokenizer: Any) -> None:
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    examples = examples_of(merged, "train", tokenizer)
    targets = padded_batch(examples, tokenizer.pad_token_id, CPU)["targets"]
    assert int((targets == tokenizer.eos_token_id).sum()) == len(examples)
    stops = json.loads(merged.verification.read_text())["stops"]
    assert stops["stopped"] == stops["prompts"] > 0


def test_04_eos_lost_on_smollm2s_template(merged: Workspace, tokenizer: Any) -> None:
    """Its template ends with a line break after <|im_end|>, which would be learned as the end."""
    chat = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
    rendered = tokenizer.apply_chat_template(chat, tokenize=False)
    assert rendered.endswith("<|im_end|>\n")
    examples = examples_of(merged, "train", tokenizer)
    assert {example.answer[-1] for example in examples} == {tokenizer.eos_token_id}


def test_05_double_bos(tokenizer: Any) -> None:
    """Of a template that writes BOS and a tokenizer that adds another one."""
    from tokenizers.processors import TemplateProcessing

    adding = AutoTokenizer.from_pretrained(tokenizer.name_or_path)
    bos = adding.bos_token
    adding.chat_template = "{{ bos_token }}" + adding.chat_template
    adding.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{bos} $A", special_tokens=[(bos, adding.bos_token_id)]
    )
    rendered = adding.apply_chat_template(
        [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        add_generation_prompt=True,
        tokenize=False,
    )
    assert adding(rendered)["input_ids"][:2] == [adding.bos_token_id] * 2, "the trap is there"
    prompt = encode_prompt(adding, "s", "u")
    assert prompt[0] == adding.bos_token_id
    # SmolLM2's BOS also opens each turn; a second one in front is what must not be.
    assert adding.decode(prompt) == rendered


def test_06_template_lost_on_save(merged: Workspace, tiny_llama: Path, tokenizer: Any) -> None:
    for folder in (merged.adapter, merged.merged):
        assert AutoTokenizer.from_pretrained(folder).chat_template == tokenizer.chat_template
    (merged.merged / "chat_template.jinja").unlink()
    with pytest.raises(OnbrandError, match="no chat template"):
        failed(merged, tiny_llama)


def test_07_tied_embeddings_collapse(merged: Workspace, tiny_llama: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(merged.merged)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert "lm_head.weight" not in load_file(merged.merged / "model.safetensors")
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone())
    model.config.tie_word_embeddings = False
    model.save_pretrained(merged.merged)
    assert "tie_lost" in failed(merged, tiny_llama)


def test_08_resized_vocabulary_breaks_the_merge(
    merged: Workspace, tiny_llama: Path, tmp_path: Path
) -> None:
    """Embeddings padded beyond the tokenizer's ids stay; ids beyond the embeddings are refused."""
    padded = shutil.copytree(tiny_llama, tmp_path / "padded")
    model = AutoModelForCausalLM.from_pretrained(padded)
    model.resize_token_embeddings(model.config.vocab_size + 64)
    model.save_pretrained(padded)
    pretend_base(merged, padded)
    merge(merged, padded)
    model = AutoModelForCausalLM.from_pretrained(merged.merged)
    tokens = len(load_tokenizer(merged.merged))
    assert model.get_output_embeddings().weight.shape[0] == model.config.vocab_size == tokens + 64

    model.resize_token_embeddings(tokens)  # what "as many as the tokenizer has" makes of it
    model.save_pretrained(merged.merged)
    assert "embedding_change" in failed(merged, padded)

    grown = load_tokenizer(tiny_llama)
    grown.add_tokens(["shipmate"])
    grown.save_pretrained(merged.merged)
    assert "tokenizer_change" in failed(merged, tiny_llama)


def pretend_base(workspace: Workspace, base: Path) -> None:
    """Let the adapter's manifest say that it was tuned on this base."""
    manifest = required_manifest(workspace.adapter, "", "")
    manifest.inputs["base"] = identity_of(base)
    write_manifest(workspace.adapter, manifest)


def test_09_a_classification_head_random_on_reload(tiny_llama: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    model: Any = AutoModelForSequenceClassification.from_pretrained(tiny_llama, num_labels=2)
    model.save_pretrained(tmp_path)
    with pytest.raises(OnbrandError, match="LlamaForSequenceClassification, which is no causal"):
        check_base(tmp_path, 128)
    weights = load_file(tiny_llama / "model.safetensors")
    weights.pop("model.norm.weight")
    lacking = shutil.copytree(tiny_llama, tmp_path / "lacking")
    save_file(weights, lacking / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(OnbrandError, match=r"lacks weights .*model\.norm\.weight"):
        load_base(lacking, "qlora", CPU, torch.float32)


def test_10_all_labels_masked_shown_as_loss_0() -> None:
    with pytest.raises(OnbrandError, match="Record website-7 has no text to learn from"):
        Example("website-7", "write", [1, 2, 3], [])


def test_11_accumulation_not_equal_to_a_large_batch(tiny_llama: Path) -> None:
    """Means of micro-batches of different lengths, averaged, weigh short answers too much."""
    examples = [Example(str(n), "write", [1, 5], [7] * n + [2]) for n in (1, 30, 2, 9)]
    tokens = sum(len(example.answer) for example in examples)
    gradients = []
    for micro in (4, 1):
        model = trainable_model(load_base(tiny_llama, "lora", CPU, torch.float32), Tune())
        for part in forward_passes(examples, Tune(micro_batch_size=micro), packing=True):
            (answer_loss(model, make_batch(part, True, 2, CPU)) / tokens).backward()
        trained = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
        gradients.append(torch.cat(trained))
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-6, rtol=1e-4)


def test_12_packing_leaks(tiny_llama: Path) -> None:
    """The loss of an example must not know what lies beside it in the row."""
    model = load_base(tiny_llama, "lora", CPU, torch.float32).eval()
    mine = Example("a", "write", [1, 5, 6], [7, 8, 9, 2])
    with torch.no_grad():
        alone, beside = (
            token_losses(model, TokenTree(row).batch(CPU))[:4]
            for row in ([mine], [mine, Example("b", "write", [1, 5, 6], [30, 31, 2])])
        )
    torch.testing.assert_close(beside, alone, atol=1e-5, rtol=0)


def test_13_resume_or_best_checkpoint_with_nothing_trained(
    workspace: Workspace, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = configure(workspace, max_steps=6, checkpoint_steps=2, samples=0)
    saved = []
    real = checkpoint.save
    monkeypatch.setattr(checkpoint, "save", lambda *a: (saved.append(a[4].step), real(*a)))
    tune(space, tiny_llama)
    best = load_file(space.adapter / "adapter_model.safetensors")
    assert saved == [2, 4, 6]
    assert any(tensor.any() for name, tensor in best.items() if "lora_B" in name)

    # A best checkpoint that is the adapter of the start is no result.
    def judged_best_at_once(model: Any, *rest: Any) -> tuple[RunState, dict[str, Any]]:
        state = RunState("", log=[{"loss": 1.0, "tokens": 1, "seconds": 1.0}])
        return state, checkpoint.trained_weights(model.model)

    monkeypatch.setattr("finetune.tune.train", judged_best_at_once)
    with pytest.raises(OnbrandError, match="Nothing was learned"):
        tune(space, tiny_llama, force=True)
    assert load_file(space.adapter / "adapter_model.safetensors").keys() == best.keys()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_14_dtype_errors_on_fp16(
    workspace: Workspace, tiny_llama: Path, tmp_path: Path, dtype: torch.dtype
) -> None:
    """A base stored in 16 bits is tuned, merged and stored in 16 bits again."""
    half = shutil.copytree(tiny_llama, tmp_path / "half")
    AutoModelForCausalLM.from_pretrained(half, dtype=dtype).save_pretrained(half)
    space = configure(workspace, max_steps=12, samples=0)
    tune(space, half)
    log = losses(log_of(space.adapter))
    assert log[-1] < log[0]
    merge(space, half)
    assert AutoConfig.from_pretrained(space.merged).dtype == dtype


def test_15_served_differs_from_trained(merged: Workspace, tokenizer: Any) -> None:
    """The prompt that serving makes is the one that was trained, and the model greedy by itself.

    tests/serving/engine/test_greedy.py compares the texts that an engine serves with these.
    """
    from onbrand.persona import request_for, system_prompt

    brand = merged.config.brand
    served = tokenizer.apply_chat_template(
        [
            {"role": "system", "content": system_prompt(brand)},
            {"role": "user", "content": request_for("instagram")},
        ],
        add_generation_prompt=True,
    )["input_ids"]
    [trained] = {tuple(e.prompt) for e in examples_of(merged, "train", tokenizer)}
    assert tuple(served) == trained
    stored = json.loads((merged.merged / "generation_config.json").read_text())
    assert not stored.get("do_sample")
    assert "temperature" not in stored


def test_the_worst_an_evaluation_pass_changes_the_training_that_follows(
    workspace: Workspace, tiny_llama: Path
) -> None:
    """On some CPUs it repacks the 4-bit weights, after which gradients are wrong without a word."""
    settings = {"max_steps": 10, "learning_rate": 2e-3}
    found = []
    for every, samples in ((1, 2), (10, 0)):  # evaluated before every step, or only at the end
        space = configure(workspace, **settings, checkpoint_steps=every, samples=samples)
        tune(space, tiny_llama)
        found.append(losses(log_of(space.adapter)))
    assert found[0] == found[1]
