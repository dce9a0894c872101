"""Signatures: beside every score, one line that says exactly how it was computed.

The form is sacrebleu's: `metric|key:value|…`. Two scores may be compared when their signatures are
equal, but for what makes the two models different.
"""

from collections.abc import Mapping

from eval.generate.stage_files import Generated
from eval.models.card import ModelCard
from eval.models.model import MOST_LIKELY
from eval.report.rows import LIKELIHOOD, NATURAL, NO_HASHTAGS, metric_of
from onbrand.artifact import versions

PACKAGES = (
    "krippendorff",
    "nltk",
    "numpy",
    "regex",
    "rouge-score",
    "sacrebleu",
    "scikit-learn",
    "scipy",
    "tokenizers",
    "torch",
    "transformers",
)

_MODELS = ("torch", "transformers", "tokenizers")

_DECODING = {
    "local": "greedy-exact-length",
    "adapter": "greedy-exact-length",
    "served": "greedy-cut-to-length",
    "written": "file",
}


def signature(figure: str, row: str, generated: Generated) -> str:
    """Of one figure of one row: a model's name, or a null row's."""
    metric = metric_of(figure)
    card = next((card for card in generated.setup.models if card.name == row), None)
    parts = [figure, metric.how]
    if figure in LIKELIHOOD:
        parts.append(f"hashtags:{'removed' if figure == NO_HASHTAGS else 'kept'}")
    else:
        parts.append(f"decode:{_decoding(figure, card, generated) if card else row}")
    parts.append(f"split:half|max_tokens:{generated.setup.max_tokens}")
    if card:
        parts.append(_run(card))
    parts += [_data(figure, generated), f"seed:{generated.setup.seed}"]
    libraries = [*metric.libraries, *(_MODELS if card else ())]
    parts.append(_made(libraries, generated.setup.versions))
    return "|".join(part for part in parts if part)


def _decoding(figure: str, card: ModelCard, generated: Generated) -> str:
    drawn = any(output.sampled for output in generated.of(card.name))
    if figure not in NATURAL or not drawn:
        return _DECODING[card.kind]
    sampling = generated.setup.samplings[0]
    return (
        f"sampled-natural-length-t{sampling.temperature:g}-p{sampling.top_p:g}-k{MOST_LIKELY}"
        f"-seed{sampling.seed}"
    )


def _run(card: ModelCard) -> str:
    asked = f"asked:{card.asked.replace(' ', '-')}"
    tokens = ["tokens:own"] if card.own_tokenizer else []
    return "|".join([asked, *tokens, *(f"{key}:{value}" for key, value in card.settings.items())])


def _data(figure: str, generated: Generated) -> str:
    texts = generated.texts
    items, tokens = len(texts), sum(text.tokens for text in texts)
    if figure == NO_HASHTAGS:
        items -= len(generated.setup.too_short_no_hashtags)
        first = generated.of(generated.setup.models[0].name)
        tokens = sum(output.tokens_no_hashtags or 0 for output in first)
    return f"items:{items}|tokens:{tokens}|data:{generated.setup.data_hash[:12]}"


def _made(libraries: list[str], recorded: Mapping[str, str]) -> str:
    """Of what generated, the versions of then; of what scores, those of now."""
    found = versions(*libraries)
    return "|".join(
        f"{name}:{recorded[name] if name in _MODELS else found[name]}" for name in libraries
    )
