"""How good the predictions are: scores with intervals, and paired comparisons of models.

`score_table` gives the numbers of a run, `class_table` and `confusion_table` what is behind them, `compare`
the difference of two models on the same utterances.
"""

from msfl.evaluation.comparison import Comparison, Contender, compare
from msfl.evaluation.metrics import confusion, macro_f1, uar, war
from msfl.evaluation.tables import class_table, confusion_table, ensemble, score_table

__all__ = [
    "Comparison",
    "Contender",
    "class_table",
    "compare",
    "confusion",
    "confusion_table",
    "ensemble",
    "macro_f1",
    "score_table",
    "uar",
    "war",
]
