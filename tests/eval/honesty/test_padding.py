"""Planted: a batch padded on the right, with a real model."""

import torch
from transformers import LlamaForCausalLM

from eval.honesty import BatchCheck, right_padding


def continued(model: LlamaForCausalLM, rows: list[list[int]], side: str) -> list[list[int]]:
    width = max(map(len, rows))
    pads = [[0] * (width - len(row)) for row in rows]
    masks = [[1] * len(row) for row in rows]
    if side == "left":
        ids = [pad + row for pad, row in zip(pads, rows, strict=True)]
        mask = [pad + ones for pad, ones in zip(pads, masks, strict=True)]
    else:
        ids = [row + pad for pad, row in zip(pads, rows, strict=True)]
        mask = [ones + pad for pad, ones in zip(pads, masks, strict=True)]
    output = model.generate(
        torch.tensor(ids),
        attention_mask=torch.tensor(mask),
        do_sample=False,
        max_new_tokens=8,
        min_new_tokens=8,
        pad_token_id=0,
    )
    return output[:, width:].tolist()  # type: ignore[no-any-return]


def checks(model: LlamaForCausalLM, rows: list[list[int]], side: str) -> list[BatchCheck]:
    width = max(map(len, rows))
    return [
        BatchCheck(width - len(row), batched, continued(model, [row], side)[0])
        for row, batched in zip(rows, continued(model, rows, side), strict=True)
    ]


def test_right_padding_is_named_and_left_padding_is_not(base_folder: object) -> None:
    model = LlamaForCausalLM.from_pretrained(base_folder)
    generator = torch.Generator().manual_seed(1)
    rows = [
        torch.randint(3, model.config.vocab_size, (length,), generator=generator).tolist()
        for length in (30, 30, 24, 18, 12, 6)
    ]
    alarm = right_padding("tuned", checks(model, rows, "right"))
    assert alarm is not None
    assert alarm.fault == "right padding"
    assert "of 4 prompts" in alarm.sentence
    assert right_padding("tuned", checks(model, rows, "left")) is None


def test_what_differs_without_padding_too_is_not_the_padding() -> None:
    differs = BatchCheck(0, [1, 2], [3, 4])
    padded = BatchCheck(5, [1, 2], [3, 4])
    assert right_padding("tuned", [differs, padded]) is None
    assert right_padding("tuned", [BatchCheck(0, [1, 2], [1, 2]), padded]) is not None
    assert right_padding("tuned", []) is None
    late = BatchCheck(5, [1, 2, 3, 4, 5], [1, 2, 3, 4, 9])
    assert right_padding("tuned", [late]) is None
