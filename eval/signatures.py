"""Signatures: beside every score, one line that says exactly how it was computed.

The form is sacrebleu's: `metric|key:value|…`. Two scores may be compared when their signatures are
equal.
"""

from eval.half_split import HalfSplit, items_hash
from eval.models import LocalModel
from onbrand.artifact import versions
from onbrand.config import Eval

PACKAGES = ("nltk", "regex", "rouge-score", "tokenizers", "torch", "transformers")

_WORDS = "unicode-words-v1"

_OVERLAP = {
    "bleu": f"tok:{_WORDS}+punctuation|case:mixed|order:4|smooth:nltk-method3",
    "rouge1": f"tok:{_WORDS}|case:lower|stem:no|stat:f1-mean",
    "rouge2": f"tok:{_WORDS}|case:lower|stem:no|stat:f1-mean",
    "rougeL": f"tok:{_WORDS}|case:lower|stem:no|stat:f1-mean",
    "distinct_2": f"tok:{_WORDS}|case:lower|stat:corpus",
}
_LIBRARIES = {
    "bleu": ("nltk", "regex"),
    "rouge1": ("rouge-score", "regex"),
    "rouge2": ("rouge-score", "regex"),
    "rougeL": ("rouge-score", "regex"),
    "distinct_2": ("regex",),
}
_MODELS = ("torch", "transformers", "tokenizers")


def run_signature(config: Eval, model: LocalModel) -> str:
    """What holds for the whole run."""
    dtype = str(model.dtype).removeprefix("torch.")
    return (
        f"split:half|max_tokens:{config.max_tokens}|dtype:{dtype}|device:{model.device.type}"
        f"|batch:{config.batch_size}"
    )


def overlap_signature(figure: str, split: HalfSplit, run: str, decoding: str) -> str:
    """The signature of a score on texts that `decoding` produced; `run` is `run_signature`'s."""
    made = _made(*_LIBRARIES[figure])
    return "|".join([figure, _OVERLAP[figure], f"decode:{decoding}", run, _data(split), made])


def perplexity_signature(figure: str, split: HalfSplit, run: str) -> str:
    """The signature of a perplexity."""
    hashtags = "removed" if figure == "perplexity_no_hashtags" else "kept"
    return "|".join([figure, f"unit:token|hashtags:{hashtags}", run, _data(split), _made()])


def _data(split: HalfSplit) -> str:
    return f"items:{len(split.items)}|tokens:{split.tokens}|data:{items_hash(split.items)[:12]}"


def _made(*libraries: str) -> str:
    found = versions(*libraries, *_MODELS)
    return "|".join(f"{name}:{found[name]}" for name in [*libraries, *_MODELS])
