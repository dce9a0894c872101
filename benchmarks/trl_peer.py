"""TRL's SFTTrainer with its defaults, on the very examples of `onbrand tune`.

    python benchmarks/trl_peer.py WORKSPACE

The same token ids, labels on the answers only, the same NF4 base and adapter, eight examples a
step. Only bf16 is switched off where there is no GPU: CPUs without it in hardware would crawl.
Prints JSON: answer tokens, seconds of each step, peak memory.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from finetune.batches import plan_batches, steps_in
from finetune.data import examples_of
from finetune.model import load_base, load_tokenizer
from onbrand.cli.common import base_folder
from onbrand.workspace import Workspace


class Clock(TrainerCallback):
    """Seconds between the begin and the end of steps."""

    def __init__(self):
        self.seconds = []

    def on_step_begin(self, *_, **__):
        self.started = time.monotonic()

    def on_step_end(self, *_, **__):
        self.seconds.append(time.monotonic() - self.started)


workspace = Workspace(Path(sys.argv[1]))
tune = workspace.config.tune
base = base_folder(workspace)
tokenizer = load_tokenizer(base)
examples = examples_of(workspace, "train", tokenizer)
steps = steps_in(len(examples), tune.batch_size, tune.epochs, tune.max_steps)
plan = plan_batches([len(e) for e in examples], tune.batch_size, steps, tune.seed)
chosen = [examples[index] for batch in plan for index in batch]
rows = Dataset.from_list(
    [
        {
            "input_ids": one.prompt + one.answer,
            "completion_mask": [0] * len(one.prompt) + [1] * len(one.answer),
        }
        for one in chosen
    ]
)
clock = Clock()
on_cpu = {} if torch.cuda.is_available() else {"use_cpu": True, "bf16": False}
trainer = SFTTrainer(
    model=load_base(base, tune.method, torch.device("cpu"), torch.float32),
    args=SFTConfig(
        output_dir=tempfile.mkdtemp(),
        num_train_epochs=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        logging_steps=1,
        **on_cpu,
    ),
    train_dataset=rows,
    processing_class=tokenizer,
    peft_config=LoraConfig(
        r=tune.rank, lora_alpha=tune.alpha, target_modules=tune.modules, task_type="CAUSAL_LM"
    ),
    callbacks=[clock],
)
trainer.train()
losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
print(
    json.dumps(
        {
            "tokens": sum(len(one.answer) for one in chosen),
            "seconds": clock.seconds,
            "steps": len(clock.seconds),
            "losses": losses,
            "batch_size": trainer.args.per_device_train_batch_size,
            "recompute": trainer.args.gradient_checkpointing,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
