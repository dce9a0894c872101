"""The loop that tuning is measured against: the arithmetic and nothing else.

    python benchmarks/bare_loop.py WORKSPACE

Same model, adapter, batches and packed rows as `onbrand tune`; no progress, no log, no checkpoint,
no validation. Prints JSON: losses, seconds and answer tokens a step, peak memory.
"""

import json
import math
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from finetune.batches import forward_passes, make_batch, plan_batches, steps_in
from finetune.data import examples_of
from finetune.learning_rate import peak_learning_rate
from finetune.loss import answer_loss
from finetune.model import check_base, load_base, load_tokenizer, trainable_model
from onbrand.cli.common import base_folder
from onbrand.workspace import Workspace

workspace = Workspace(Path(sys.argv[1]))
tune, device = workspace.config.tune, torch.device("cpu")
base = base_folder(workspace)
peak = peak_learning_rate(tune, check_base(base, tune.max_tokens))
tokenizer = load_tokenizer(base)
examples = examples_of(workspace, "train", tokenizer)
steps = steps_in(len(examples), tune.batch_size, tune.epochs, tune.max_steps)
plan = plan_batches([len(e) for e in examples], tune.batch_size, steps, tune.seed)
model = trainable_model(load_base(base, tune.method, device, torch.float32), tune)
parameters = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(parameters, lr=peak, weight_decay=0.0)
warmup = max(1, round(tune.warmup_share * steps))
model.train()
rows = []
for step, indices in enumerate(plan):
    started = time.monotonic()
    batch = [examples[index] for index in indices]
    tokens = sum(len(example.answer) for example in batch)
    if step < warmup:
        rate = peak * (step + 1) / warmup
    else:
        done = (step - warmup) / max(1, steps - warmup)
        rate = peak * (0.1 + 0.45 * (1 + math.cos(math.pi * done)))
    for group in optimizer.param_groups:
        group["lr"] = rate
    total = 0.0
    for part in forward_passes(batch, tune, tune.packing):
        rows_of_part = make_batch(part, tune.packing, tokenizer.pad_token_id, device)
        loss = answer_loss(model, rows_of_part) / tokens
        loss.backward()
        total += loss.item()
    torch.nn.utils.clip_grad_norm_(parameters, tune.clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    rows.append({"loss": total, "tokens": tokens, "seconds": time.monotonic() - started})
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"rows": rows, "peak_bytes": peak}))
