"""Learn the forest from saved pages: `python -m scraper.extract.learn CORPUS`.

With `--cross-validate` nothing is written: each page is judged by a forest that was trained on the
pages of the other four fifths, which is what the quality on unknown pages is estimated from.
Needs xgboost and rapidfuzz, which only the development install has.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost
from rapidfuzz.distance import LCSseq

from scraper.extract.blocks import Page, parse
from scraper.extract.choose import taken
from scraper.extract.corpus import Saved, mean_by_kind, saved_pages, word_f1
from scraper.extract.forest import FOREST, LEAVES, Forest, probabilities
from scraper.extract.markdown import markdown
from scraper.extract.noise import without_noise
from scraper.extract.score import features_of
from scraper.extract.text_features import Rows
from scraper.extract.words import words

Numbers = npt.NDArray[np.float64]
_SETTINGS = {
    "objective": "binary:logistic", "tree_method": "hist", "grow_policy": "lossguide",
    "max_leaves": LEAVES, "max_depth": 0, "eta": 0.06, "subsample": 0.7, "colsample_bytree": 0.3,
    "reg_lambda": 5, "min_child_weight": 5, "max_bin": 64, "nthread": 1,
}  # fmt: skip
_ROUNDS = 300
_SEEDS = 3
_FOLDS = 5


@dataclass(frozen=True)
class Example:
    """A saved page with its features and how much of each block the gold text holds."""

    saved: Saved
    page: Page
    rows: Rows
    shares: Numbers
    sizes: Numbers


def example(saved: Saved) -> Example:
    """Read a page and label its blocks."""
    tree = parse(saved.html)
    nothing = np.zeros((0, 0), dtype=np.float32)
    _, page, rows = features_of(tree) if tree is not None else ("", Page(), nothing)
    texts = [words(block.text) for block in page.blocks]
    sizes = np.array([len(text) for text in texts], dtype=float)
    return Example(saved, page, rows, _shares(texts, saved.gold), sizes)


def _shares(texts: list[list[str]], gold: str) -> Numbers:
    """The share of each block's words that an alignment of page and gold text matches.

    A stray match of common words is no sign: a block that is no line of the gold text must also
    share its runs of three words with it.
    """
    wanted = words(gold)
    number = {word: place for place, word in enumerate(dict.fromkeys(wanted))}
    owner = [n for n, text in enumerate(texts) for word in text if word in number]
    found = [number[word] for text in texts for word in text if word in number]
    matched = np.zeros(len(texts))
    for step in LCSseq.opcodes(found, [number[word] for word in wanted]):
        if step.tag == "equal":
            np.add.at(matched, owner[step.src_start : step.src_end], 1)
    runs = set(zip(wanted, wanted[1:], wanted[2:], strict=False))
    lines = {" ".join(words(line)) for line in gold.split("\n")}
    shares = np.zeros(len(texts))
    for n, text in enumerate(texts):
        share = matched[n] / max(len(text), 1)
        if len(text) >= 3 and " ".join(text) not in lines:
            own = list(zip(text, text[1:], text[2:], strict=False))
            share = min(share, 1.3 * sum(run in runs for run in own) / len(own))
        shares[n] = min(share, 1.0)
    return shares


def train(examples: list[Example]) -> Forest:
    """Boosted trees on the log-loss of words, every page weighing about the same.

    Three forests that differ in their random numbers are made one, whose log-odds are their mean:
    so few pages leave much to chance.
    """
    used = [one for one in examples if one.page.blocks]
    weights = [_weights(one) for one in used]
    weight = np.concatenate(weights)
    data = xgboost.DMatrix(
        np.vstack([one.rows for one in used]),
        label=np.concatenate([one.shares for one in used]),
        weight=weight / weight.mean(),
    )
    trees: list[dict[str, Any]] = []
    bases: list[float] = []
    for seed in range(_SEEDS):
        booster = xgboost.train({**_SETTINGS, "seed": seed + 1}, data, _ROUNDS)
        configured = json.loads(booster.save_config())
        raw = configured["learner"]["learner_model_param"]["base_score"]
        mean = float(np.ravel(json.loads(raw))[0])
        bases.append(float(np.log(mean / (1 - mean))))
        trees += [json.loads(tree) for tree in booster.get_dump(dump_format="json")]
    return _packed(trees, sum(bases) / _SEEDS, used[0].rows.shape[1])


def _weights(one: Example) -> Numbers:
    """A block weighs its words, in relation to the main text and to a share of the whole page."""
    whole = float((one.sizes * one.shares).sum()) + 0.3 * float(one.sizes.sum()) + 30
    weights: Numbers = np.maximum(one.sizes, 1) / whole
    return weights


def _packed(trees: list[dict[str, Any]], base: float, columns: int) -> Forest:
    shape = (len(trees), LEAVES - 1)
    split, mask = np.zeros(shape, dtype=np.int32), np.full(shape, 255, dtype=np.uint8)
    value = np.zeros((len(trees), LEAVES), dtype=np.float32)
    place_of: dict[tuple[int, float], int] = {}
    for number, tree in enumerate(trees):
        leaves, splits = _laid_out(tree)
        value[number, : len(leaves)] = np.array(leaves) / _SEEDS
        for place, (node, on_left) in enumerate(splits):
            comparison = int(node["split"][1:]), float(node["split_condition"])
            split[number, place] = place_of.setdefault(comparison, len(place_of))
            mask[number, place] = 255 & ~on_left
    column = np.array([column for column, _ in place_of], dtype=np.int32)
    threshold = np.array([threshold for _, threshold in place_of], dtype=np.float32)
    return Forest(column, threshold, split, mask, value, base, columns)


def _laid_out(tree: dict[str, Any]) -> tuple[list[float], list[tuple[dict[str, Any], int]]]:
    """A tree's leaves from left to right; its splits, with the bits of the leaves on their left."""
    leaves: list[float] = []
    splits: list[tuple[dict[str, Any], int]] = []

    def walk(node: dict[str, Any]) -> None:
        if "leaf" in node:
            leaves.append(node["leaf"])
            return
        children = {child["nodeid"]: child for child in node["children"]}
        first = len(leaves)
        walk(children[node["yes"]])
        splits.append((node, (1 << len(leaves)) - (1 << first)))
        walk(children[node["no"]])

    walk(tree)
    return leaves, splits


def f1_of(trees: Forest, one: Example) -> float:
    """Word F1 of what a forest takes from a page."""
    if not one.page.blocks:
        return word_f1("", one.saved.gold)
    chances = without_noise(one.page, probabilities(trees, one.rows))
    return word_f1(markdown(one.page, taken(one.page, chances, one.sizes)), one.saved.gold)


def cross_validated(examples: list[Example], folds: int = _FOLDS) -> list[tuple[str, float]]:
    """Kind and F1 of every page, judged by a forest that has not seen it."""
    order = np.random.default_rng(0).permutation(len(examples))
    fold = np.empty(len(examples), dtype=int)
    placed: dict[str, int] = {}
    for n in order:  # the same share of each kind in every fold
        kind = examples[n].saved.kind
        fold[n] = placed[kind] = (placed.get(kind, -1) + 1) % folds
    scores = []
    for held_out in range(folds):
        trees = train([one for one, f in zip(examples, fold, strict=True) if f != held_out])
        scores += [
            (one.saved.kind, f1_of(trees, one))
            for one, f in zip(examples, fold, strict=True)
            if f == held_out
        ]
    return scores


def main() -> None:
    """Train and write the forest, or cross-validate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--cross-validate", action="store_true")
    arguments = parser.parse_args()
    examples = [example(saved) for saved in saved_pages(arguments.corpus)]
    if arguments.cross_validate:
        for kind, mean in mean_by_kind(cross_validated(examples)).items():
            print(f"{kind:15} {mean:.3f}")
    else:
        trees = train(examples)
        np.savez_compressed(FOREST, **trees._asdict())
        print(f"{FOREST}: {len(trees.column)} trees from {len(examples)} pages")


if __name__ == "__main__":
    main()
