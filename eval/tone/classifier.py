"""A logistic regression over character n-grams: the brand's texts against all others.

Character n-grams hold spelling, punctuation, emoji and word endings, need no tokenizer, and work in
every script. They are the strongest simple features for telling authors apart (Stamatatos, 2009).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from eval.texts import Text

SIGNATURE = "features:char_wb-2-5-tfidf|classifier:logistic-regression-l2-c10"

FOLDS = 5


class BrandClassifier:
    """How much more likely a text is the brand's than one of the others'."""

    def __init__(self, brand: Sequence[str], others: Mapping[str, Sequence[str]]):
        """Learn `brand` from `others`, kinds of text by name.

        The brand weighs as much as all others together, and each kind of others the same, however
        many texts there are of it.
        """
        kinds = {name: texts for name, texts in others.items() if texts}
        texts = [*brand, *(text for kind in kinds.values() for text in kind)]
        weights = [1 / len(brand)] * len(brand)
        for kind in kinds.values():
            weights += [1 / len(kinds) / len(kind)] * len(kind)
        labels = [1] * len(brand) + [0] * (len(texts) - len(brand))
        self._features = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), lowercase=False, sublinear_tf=True
        )
        self._regression = LogisticRegression(C=10, max_iter=1000)
        self._regression.fit(
            self._features.fit_transform(texts),
            labels,
            # So that they add up to the number of texts, as without weights.
            sample_weight=np.array(weights) * len(texts) / 2,
        )

    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Natural logarithm of the odds for each text; shape (texts,)."""
        if not texts:
            return np.zeros(0)
        found: NDArray[np.float64] = self._regression.decision_function(
            self._features.transform(texts)
        )
        return found


def folds_by_group(groups: Sequence[str], seed: int) -> NDArray[np.int64]:
    """A fold from 0 to at most 4 for each text; texts of one group share theirs."""
    count = min(FOLDS, len(set(groups)))
    folds = np.zeros(len(groups), dtype=np.int64)
    splitter = GroupKFold(n_splits=count, shuffle=True, random_state=seed)
    for fold, (_, inside) in enumerate(splitter.split(groups, groups=groups)):
        folds[inside] = fold
    return folds


def texts_of(texts: Sequence[Text], chosen: NDArray[np.bool_]) -> list[str]:
    """The words of those texts that are chosen."""
    return [text.text for text, is_chosen in zip(texts, chosen, strict=True) if is_chosen]
