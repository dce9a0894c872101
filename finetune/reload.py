"""The merged model's logits, computed in a process of its own: `python -m finetune.reload FOLDER`.

What a process still holds of training (patched layers, caches, another dtype) cannot help there,
and what a file lacks is drawn at random anew.
Token ids come in as JSON, a list per text; the SHA-256 of the logits' bytes goes out.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from onbrand.errors import OnbrandError


@torch.no_grad()
def logits_hash(model: Any, texts: list[list[int]]) -> str:
    """SHA-256 over the logits of all texts, in fp32, one text at a time."""
    digest = hashlib.sha256()
    for ids in texts:
        logits = model(input_ids=torch.tensor([ids])).logits.float().contiguous()
        digest.update(logits.numpy().tobytes())
    return digest.hexdigest()


def differs_elsewhere(model: Any, folder: Path, texts: list[list[int]]) -> bool:
    """Has `model` other logits than the model in `folder`, loaded by a fresh process?

    The process has as many threads, so that nothing but the weights can make a difference.

    Raises:
        OnbrandError: the process failed; the last it said is the reason.
    """
    done = subprocess.run(
        [sys.executable, "-m", "finetune.reload", str(folder)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        env=os.environ
        | {
            "OMP_NUM_THREADS": str(torch.get_num_threads()),
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise OnbrandError(f"{folder} cannot be loaded by a fresh process: {said[-1]}.")
    return done.stdout.strip() != logits_hash(model, texts)


if __name__ == "__main__":
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        sys.argv[1], dtype="auto", local_files_only=True, ignore_mismatched_sizes=True
    )
    print(logits_hash(loaded, json.load(sys.stdin)))
