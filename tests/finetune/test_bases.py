"""Bases that cannot be tuned: each is refused in one sentence, before anything is loaded."""

import json
import shutil
from pathlib import Path

import pytest
from transformers import BertConfig, BloomConfig, PreTrainedConfig, T5Config
from typer.testing import CliRunner

from finetune.model import check_base, load_tokenizer
from onbrand.cli.app import app
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from tests.finetune.tuned import set_base

T5 = T5Config(architectures=["T5ForConditionalGeneration"])
BERT = BertConfig(architectures=["BertForMaskedLM"])
T5_SAID = "a T5ForConditionalGeneration, which is an encoder-decoder and no causal language model;"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (T5, T5_SAID),
        (T5Config(), "a t5, which is an encoder-decoder and no causal language model;"),
        (BERT, "a BertForMaskedLM, which is no causal language model;"),
        (BertConfig(), "a bert, which is no causal language model;"),
        (BertConfig(architectures=["BertLMHeadModel"]), "a BertLMHeadModel, which is no causal"),
        (
            BertConfig(architectures=["BertModel"]),
            "a BertModel, which is no causal language model;",
        ),
    ],
)
def test_other_kinds_of_model(tmp_path: Path, config: PreTrainedConfig, said: str) -> None:
    config.save_pretrained(tmp_path)
    with pytest.raises(OnbrandError) as caught:
        check_base(tmp_path, 128)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [[], ["--plan"], ["--show", "1"]], ids=" ".join)
def test_every_way_to_tune_looks_at_the_base_first(
    workspace: Workspace, tmp_path: Path, options: list[str]
) -> None:
    """The folder holds nothing but a configuration: whatever else was read would be missed."""
    T5.save_pretrained(tmp_path / "t5")
    space = set_base(workspace, tmp_path / "t5")
    result = CliRunner().invoke(app, ["-w", str(space.root), "tune", *options])
    assert isinstance(result.exception, OnbrandError)
    assert T5_SAID in str(result.exception)


def test_a_model_that_states_no_context_is_taken(tmp_path: Path) -> None:
    BloomConfig(architectures=["BloomForCausalLM"]).save_pretrained(tmp_path)
    assert check_base(tmp_path, 100_000).model_type == "bloom"


@pytest.mark.parametrize("options", [[], ["--plan"], ["--show", "1"]], ids=" ".join)
def test_a_template_that_refuses_system_messages(
    workspace: Workspace, tiny_llama: Path, tmp_path: Path, options: list[str]
) -> None:
    base = shutil.copytree(tiny_llama, tmp_path / "base")
    (base / "chat_template.jinja").write_text(
        "{% if messages[0]['role'] == 'system' %}"
        "{{ raise_exception('System role not supported') }}{% endif %}"
        "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    )
    space = set_base(workspace, base)
    result = CliRunner().invoke(app, ["-w", str(space.root), "tune", *options])
    assert isinstance(result.exception, UsageError)
    assert str(result.exception) == (
        f"The chat template in {base} refuses the system message that carries the persona "
        "(System role not supported); name another model in [model] base."
    )


def test_a_template_that_is_broken(tiny_llama: Path, tmp_path: Path) -> None:
    base = shutil.copytree(tiny_llama, tmp_path / "base")
    (base / "chat_template.jinja").write_text("{% for message in messages %}")
    with pytest.raises(UsageError, match=r"^The chat template in [^\n]+$"):
        load_tokenizer(base)


def test_a_tokenizer_that_is_not_there(tiny_llama: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((tiny_llama / "config.json").read_text())
    with pytest.raises(OnbrandError, match=r"^The tokenizer in [^\n]+ cannot be loaded [^\n]+$"):
        load_tokenizer(tmp_path)


def test_a_configuration_that_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 8}))
    with pytest.raises(OnbrandError, match=r"holds no causal language model \([^\n]+\)\.$"):
        check_base(tmp_path, 128)
