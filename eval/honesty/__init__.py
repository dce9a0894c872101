"""What a sceptic asks first: leaked, copied, misaligned, or too few?"""

from eval.honesty.alarm import Alarm, Fault
from eval.honesty.alignment import (
    prompt_scored,
    references_changed,
    shuffled_references,
    transposed_references,
)
from eval.honesty.copies import Copy, copies, long_share
from eval.honesty.judge import Verdict, preferred_place
from eval.honesty.leaks import Leak, leaks
from eval.honesty.learned_by_heart import (
    bleu_too_high,
    leaked,
    memorised,
    tone_by_copying,
    too_certain,
    trained_on_test,
    tuned_on_other_data,
)
from eval.honesty.nulls import null_rows
from eval.honesty.padding import BatchCheck, right_padding
from eval.honesty.sample import sample_too_small

__all__ = [
    "Alarm",
    "BatchCheck",
    "Copy",
    "Fault",
    "Leak",
    "Verdict",
    "bleu_too_high",
    "copies",
    "leaked",
    "leaks",
    "long_share",
    "memorised",
    "null_rows",
    "preferred_place",
    "prompt_scored",
    "references_changed",
    "right_padding",
    "sample_too_small",
    "shuffled_references",
    "tone_by_copying",
    "too_certain",
    "trained_on_test",
    "transposed_references",
    "tuned_on_other_data",
]
