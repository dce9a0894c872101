"""What chance could do: intervals, tests, the size of a difference that can be seen, agreement."""

from eval.statistics.agreement import Agreement, agreement
from eval.statistics.auc import Auc, auc
from eval.statistics.compare import Comparison, Difference, Interval

__all__ = ["Agreement", "Auc", "Comparison", "Difference", "Interval", "agreement", "auc"]
