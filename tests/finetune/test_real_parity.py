"""The promise of the merge, on the real small model, trained in NF4 through the real command."""

import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from finetune.data import examples_of
from finetune.differences import relative_logit_error
from finetune.fold import fold_in
from finetune.model import load_tokenizer, load_trained
from finetune.tune import tune
from onbrand.workspace import Workspace
from tests.finetune.merging import QLORA, on_the_original_base
from tests.finetune.tuned import configure, log_of, losses, set_base


@pytest.mark.slow
def test_smollm2_trained_in_nf4_and_merged(
    workspace: Workspace, smollm2: Path, tmp_path: Path
) -> None:
    """At most 1e-5, relatively, in fp32; written and loaded again, as it would be served."""
    shutil.rmtree(workspace.dataset / "validation")
    space = configure(
        set_base(workspace, smollm2),
        max_steps=3,
        checkpoint_steps=3,
        micro_batch_size=8,
        samples=0,
        learning_rate=2e-3,
    )
    tune(space, smollm2)
    log = losses(log_of(space.adapter))
    assert log[-1] < 0.9 * log[0], "the adapter does something"
    texts = examples_of(space, "train", load_tokenizer(smollm2))[:2]
    trained = load_trained(smollm2, space.adapter, QLORA)
    plain = AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.float32)
    fold_in(trained, plain)
    plain.save_pretrained(tmp_path / "merged")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert relative_logit_error(trained, merged, texts) <= 1e-5

    wrong = on_the_original_base(smollm2, space.adapter)
    assert relative_logit_error(trained, wrong, texts) > 1e-2, "and what is wrong is far off"
