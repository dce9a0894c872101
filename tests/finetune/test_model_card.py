"""The model cards: what they say, and what they must not."""

import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from finetune.card import write_adapter_card
from finetune.licence import licence_of
from onbrand.artifact import read_manifest
from onbrand.workspace import Workspace


def test_the_merged_card_tells_data_figures_and_verification(merged_once: Path) -> None:
    workspace = Workspace(merged_once)
    card = ModelCard.load(workspace.merged / "README.md")
    metadata = card.data.to_dict()
    assert metadata["library_name"] == "transformers"
    assert metadata["pipeline_tag"] == "text-generation"
    assert {"brand-voice", "onbrand"} <= set(metadata["tags"])
    assert "license" not in metadata, "the tiny model says nothing about its licence"
    assert "licence is not known" in card.text
    for said in (
        "The voice of Saltmarsh",
        "| examples | 48 |",
        "| method | LoRA, the base in NF4",
        "| rank | 16 |",
        "dequantised NF4 weights",
        "| relative_logit_error |",
        "1 training prompts: 1 end",
        "merged ",
    ):
        assert said in card.text, said


def test_no_card_names_a_path_of_this_machine(merged_once: Path, tiny_llama: Path) -> None:
    workspace = Workspace(merged_once)
    manifest = read_manifest(workspace.adapter)
    assert manifest is not None
    as_tuned = (workspace.adapter / "README.md").read_text()
    write_adapter_card(workspace.adapter, workspace, tiny_llama, manifest)
    assert (workspace.adapter / "README.md").read_text() == as_tuned
    for folder in (workspace.adapter, workspace.merged):
        text = (folder / "README.md").read_text()
        assert str(tiny_llama) not in text
        assert str(tiny_llama.parent) not in text
        assert str(workspace.root) not in text
        assert f"the local model `{tiny_llama.name}`" in text


def test_the_adapter_card_says_where_the_adapter_belongs(
    tuned_once: Path, smollm2: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(tuned_once, tmp_path / "workspace")
    toml = (root / "brand.toml").read_text()
    start = toml.index("base = ")
    (root / "brand.toml").write_text(
        toml[:start] + 'base = "smollm2-135m"' + toml[toml.index("\n", start) :]
    )
    workspace = Workspace(root)
    manifest = read_manifest(workspace.adapter)
    assert manifest is not None
    write_adapter_card(workspace.adapter, workspace, smollm2, manifest)
    card = ModelCard.load(workspace.adapter / "README.md")
    metadata = card.data.to_dict()
    assert metadata["base_model"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert metadata["base_model_relation"] == "adapter"
    assert metadata["license"] == "apache-2.0"
    assert metadata["library_name"] == "peft"
    assert "belongs on that model in NF4" in card.text
    assert "On the model's original weights" in card.text
    assert "--enable-lora" not in card.text, "vLLM would load it beside those"
    assert "`onbrand adapters add`" in card.text


@pytest.mark.parametrize(
    ("files", "identifier", "link"),
    [
        ({"README.md": "---\nlicense: llama2\n---\n"}, "llama2", None),
        (
            {"README.md": "---\nlicense: other\nlicense_name: x\nlicense_link: LICENSE\n---\n"},
            "other",
            "LICENSE",
        ),
        ({"LICENSE": "\n   Apache License\n  Version 2.0, January 2004\n"}, "apache-2.0", None),
        ({"LICENSE.txt": "MIT License\n\nCopyright"}, "mit", None),
        ({"LICENSE": "LLAMA 2 COMMUNITY LICENSE AGREEMENT"}, "other", "LICENSE"),
        ({"README.md": "---\n[broken\n---\n"}, None, None),
        ({}, None, None),
    ],
)
def test_licences(
    tmp_path: Path, files: dict[str, str], identifier: str | None, link: str | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    licence = licence_of(str(tmp_path), tmp_path)
    assert (licence.identifier, licence.link) == (identifier, link)
