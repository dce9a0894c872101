"""Can a model's texts be told from real ones? A classifier two-sample test.

Lopez-Paz and Oquab (2017): a classifier is trained to tell them apart on some documents and asked
about others. An area of 0.5 means that it cannot. Here both stand for the same prompts, and a
document is never on both sides.
"""

from collections.abc import Sequence

import numpy as np

from eval.statistics.auc import Auc, auc
from eval.texts import Text
from eval.tone.classifier import BrandClassifier, folds_by_group, texts_of


def told_apart(real: Sequence[Text], made: Sequence[Text], seed: int) -> Auc:
    """`made[i]` was written in place of `real[i]`."""
    groups = [text.group for text in real]
    folds = folds_by_group(groups, seed)
    real_odds, made_odds = np.zeros(len(real)), np.zeros(len(real))
    for fold in range(int(folds.max()) + 1):
        inside = folds == fold
        classifier = BrandClassifier(texts_of(real, ~inside), {"made": texts_of(made, ~inside)})
        real_odds[inside] = classifier.log_odds(texts_of(real, inside))
        made_odds[inside] = classifier.log_odds(texts_of(made, inside))
    return auc(real_odds.tolist(), made_odds.tolist(), groups, folds.tolist(), seed=seed)
