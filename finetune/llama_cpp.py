"""What llama.cpp itself makes of an exported file, where it is installed.

Its greedy text is read by the merged model, which says how far each token is from its own first
choice. Rounding may turn a choice between two tokens that are as good; a file that llama.cpp
understands otherwise is far off.
"""

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from onbrand.chat_format import encode_text
from onbrand.errors import OnbrandError

PROGRAM = "llama-completion"
"""Of llama.cpp: https://github.com/ggml-org/llama.cpp/tree/master/tools/completion"""

_TOKENS = 32
"""Tokens of each answer."""

_SECONDS = 600


def mean_regret(gguf: Path, model: Any, tokenizer: Any, prompts: Iterable[Sequence[int]]) -> float:
    """Nats by which the tokens llama.cpp chose are less likely than the model's first choices.

    The mean over all tokens of its greedy answers; 0 where all are the same.

    Raises:
        OnbrandError: llama.cpp cannot run the file, or says nothing.
    """
    regrets = []
    for prompt in prompts:
        answer = encode_text(tokenizer, _greedy(gguf, tokenizer.decode(prompt)))
        regrets.append(_regrets(model, prompt, answer))
    together = torch.cat(regrets)
    if not len(together):
        raise OnbrandError(f"{PROGRAM} runs the exported file, but says nothing.")
    return float(together.mean())


def _greedy(gguf: Path, prompt: str) -> str:
    """The greedy continuation by llama.cpp."""
    options = {"--model": gguf, "--prompt": prompt, "--predict": _TOKENS, "--temp": 0}
    options["--threads"] = torch.get_num_threads()
    command = [shutil.which(PROGRAM) or PROGRAM, *(str(x) for o in options.items() for x in o)]
    # The prompt is a whole conversation already, to be read as it is.
    command += ["-no-cnv", "--no-escape", "--no-display-prompt", "--no-warmup", "--simple-io"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise OnbrandError(f"{PROGRAM} did not answer within {_SECONDS} s.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else f"exit code {done.returncode}"
        raise OnbrandError(f"{PROGRAM} cannot run the exported file: {reason}.")
    text = done.stdout.decode(errors="ignore")  # the last character may be cut
    return text.rstrip("\n").removesuffix(" [end of text]")


@torch.no_grad()
def _regrets(model: Any, prompt: Sequence[int], answer: Sequence[int]) -> torch.Tensor:
    """Per token of the answer, shape (len(answer),)."""
    ids = torch.tensor([[*prompt, *answer]])
    logits = model(input_ids=ids).logits[0, len(prompt) - 1 : -1].float()
    likely: torch.Tensor = logits.log_softmax(-1)
    chosen = likely[torch.arange(len(answer)), torch.tensor(answer).long()]
    return likely.max(-1).values - chosen
