import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from gguf import GGUFReader
from transformers import AutoModelForCausalLM, AutoTokenizer
from typer.testing import CliRunner

from finetune import gguf_model
from finetune.data import examples_of
from finetune.export import REGRET, export
from finetune.gguf_model import write_gguf
from finetune.llama_cpp import PROGRAM, mean_regret
from onbrand.cli.app import app
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

needs_llama_cpp = pytest.mark.skipif(
    not shutil.which(PROGRAM), reason=f"llama.cpp's {PROGRAM} is not on the PATH"
)


@pytest.fixture(scope="module")
def merged(merged_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(shutil.copytree(merged_once, tmp_path_factory.mktemp("export") / "workspace"))


@pytest.fixture(scope="module")
def merged_as_bf16(merged_in_bf16: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("export-bf16") / "workspace"
    return Workspace(shutil.copytree(merged_in_bf16, root))


@pytest.mark.parametrize("stored", ["merged", "merged_as_bf16"], ids=["fp32", "bf16"])
@pytest.mark.parametrize(("precision", "limit"), [("f16", 5e-3), ("q8_0", 0.1)])
def test_the_file_is_the_merged_model(
    stored: str, precision: str, limit: float, request: pytest.FixtureRequest
) -> None:
    merged: Workspace = request.getfixturevalue(stored)
    arguments = ["-w", str(merged.root), "export", "--precision", precision]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "de-quantizing" not in result.output, "a library's bar beside the command's own"
    folder = merged.root / "models" / f"gguf-{precision}"
    fields = GGUFReader(folder / "model.gguf").fields
    assert fields["general.architecture"].contents() == "llama"
    assert "<|im_start|>" in fields["tokenizer.chat_template"].contents()
    again = export(merged, "f16" if precision == "f16" else "q8_0")
    assert again.was_current
    assert 0 < again.manifest.details["relative_logit_error"] < limit


def test_eight_bits_are_half_as_large(merged: Workspace) -> None:
    sizes = [export(merged, kind).manifest.counts["bytes"] for kind in ("f16", "q8_0")]  # type: ignore[arg-type]
    tokens = 2_000_000  # the vocabulary takes the same in both
    assert sizes[1] - tokens < 0.7 * (sizes[0] - tokens)


def test_a_file_that_is_another_model_is_not_kept(
    merged: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Queries and keys in transformers' order: the usual mistake of an exporter."""
    export(merged, "f16")
    monkeypatch.setattr(gguf_model, "_rotated", lambda key, values, config: values)
    with pytest.raises(OnbrandError, match="is not the merged one: its logits differ by"):
        export(merged, "f16", force=True)
    monkeypatch.undo()
    assert export(merged, "f16").was_current, "the good file is still there"


@needs_llama_cpp
def test_llama_cpp_says_what_the_merged_model_says(merged: Workspace) -> None:
    for precision in ("f16", "q8_0"):
        regret = export(merged, precision, force=True).manifest.details["llama_cpp_regret"]  # type: ignore[arg-type]
        assert 0 <= regret < REGRET / 4


@needs_llama_cpp
def test_llama_cpp_reads_another_model_in_a_wrong_file(
    merged: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = AutoModelForCausalLM.from_pretrained(merged.merged)
    tokenizer: Any = AutoTokenizer.from_pretrained(merged.merged)
    [prompt] = {tuple(e.prompt) for e in examples_of(merged, "train", tokenizer)}
    monkeypatch.setattr(gguf_model, "_rotated", lambda key, values, config: values)
    write_gguf(model, tokenizer, tmp_path / "m.gguf", "f16", "x")
    assert mean_regret(tmp_path / "m.gguf", model, tokenizer, [prompt]) > REGRET


@needs_llama_cpp
def test_llama_cpp_cannot_run_anything(merged: Workspace, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    tokenizer: Any = AutoTokenizer.from_pretrained(merged.merged)
    with pytest.raises(OnbrandError, match="llama-completion cannot run the exported file"):
        mean_regret(tmp_path / "m.gguf", None, tokenizer, [[1, 2]])


def test_without_llama_cpp_it_says_so(
    merged: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(merged.root))
    details = export(merged, "f16", force=True).manifest.details
    assert details["llama_cpp_regret"] is None
    assert "llama-completion is not on the PATH" in " ".join(capsys.readouterr().err.split())


def test_without_a_merged_model_it_says_what_to_run(tuned_once: Path) -> None:
    with pytest.raises(OnbrandError, match="run `onbrand merge` first"):
        export(Workspace(tuned_once), "f16")


def test_other_kinds_of_models_are_refused(tiny_llama: Path, tmp_path: Path) -> None:
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_llama)
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    model.config.model_type = "mixtral"
    with pytest.raises(OnbrandError, match="this one is mixtral"):
        write_gguf(model, tokenizer, tmp_path / "m.gguf", "f16", "x")


def test_a_tokenizer_that_cuts_otherwise_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    from tokenizers.pre_tokenizers import Whitespace

    model: Any = AutoModelForCausalLM.from_pretrained(tiny_llama)
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny_llama)
    tokenizer.backend_tokenizer.pre_tokenizer = Whitespace()
    with pytest.raises(OnbrandError, match=r"cut text as this tokenizer does \(Whitespace\)"):
        write_gguf(model, tokenizer, tmp_path / "m.gguf", "f16", "x")


@pytest.mark.slow
def test_the_real_small_model_survives(smollm2: Path, tmp_path: Path) -> None:
    model: Any = AutoModelForCausalLM.from_pretrained(smollm2)
    tokenizer: Any = AutoTokenizer.from_pretrained(smollm2)
    write_gguf(model, tokenizer, tmp_path / "m.gguf", "q8_0", "SmolLM2")
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        tmp_path, gguf_file="m.gguf", dtype=torch.float32
    )
    ids = tokenizer("The capital of France is", return_tensors="pt")["input_ids"]
    said = [
        tokenizer.decode(m.generate(ids, max_new_tokens=4, do_sample=False)[0, ids.shape[1] :])
        for m in (model, loaded)
    ]
    assert re.search("Paris", said[0])
    assert said[0] == said[1]
