"""Proof that serving changes nothing: greedy text over HTTP equals greedy text in process."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from gateway_harness import BRAND, SETTINGS, running, wait_ready
from onbrand.config import Tune
from onbrand.persona import system_prompt
from serving.engine.transformers_serve import start_transformers
from serving.gateway.app import create_app
from tests.serving.engine import contenders

PROMPTS = contenders.PROMPTS[:10]
TOKENS = 24


def greedy_in_process(folder: Path) -> list[str]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    texts = []
    for prompt in PROMPTS:
        messages = [
            {"role": "system", "content": system_prompt(BRAND)},
            {"role": "user", "content": prompt},
        ]
        inputs = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with torch.inference_mode():
            output = model.generate(**inputs, do_sample=False, max_new_tokens=TOKENS)
        answer = output[0, inputs["input_ids"].shape[1] :]
        text = tokenizer.decode(answer, skip_special_tokens=True)
        # A character that the length limit cuts in half is not streamed.
        texts.append(text.rstrip("\ufffd"))
    return texts


def merge_random_adapter(base: Path, folder: Path) -> None:
    """A merged model as `onbrand merge` leaves it, of an adapter that changes what is said."""
    import torch
    from transformers import AutoModelForCausalLM

    from finetune.merge import _save, fold_in
    from finetune.model import add_adapter, load_base

    quantised = load_base(base, "qlora", torch.device("cpu"), torch.float32)
    trained = add_adapter(quantised, Tune()).eval()
    for name, weight in trained.named_parameters():
        if "lora_B" in name:  # zero at first: an adapter without effect
            torch.nn.init.normal_(weight, std=0.02)
    merged = AutoModelForCausalLM.from_pretrained(base, dtype="auto")
    fold_in(trained, merged)
    _save(merged, base, folder)


@pytest.mark.slow
def test_greedy_text_is_the_same_served_and_in_process(smollm2: Path, tmp_path: Path) -> None:
    model = tmp_path / "models" / "merged"
    model.mkdir(parents=True)
    merge_random_adapter(smollm2, model)

    served = []
    with (
        ThreadPoolExecutor(1) as beside,
        start_transformers(model, tmp_path / "logs") as engine,
        running(create_app(SETTINGS, BRAND, engine)) as url,
    ):
        expected = beside.submit(greedy_in_process, model)
        wait_ready(url)
        for prompt in PROMPTS:
            asked = {"messages": [{"role": "user", "content": prompt}]}
            fields = {"temperature": 0, "max_tokens": TOKENS}
            response = httpx.post(
                f"{url}/v1/chat/completions", json={**asked, **fields}, timeout=120
            )
            served.append(response.json()["choices"][0]["message"]["content"])

    assert served == expected.result()
    assert len(set(served)) == len(PROMPTS)
