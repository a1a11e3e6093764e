"""Attributions: how much each feature of an utterance speaks for a class, by several methods behind one contract.

>>> from analyses.attributions import compute, cells
>>> compute("run", "shap")  # doctest: +SKIP
>>> table = cells("run", "shap")  # doctest: +SKIP
"""

from analyses.attributions.averages import cells
from analyses.attributions.computation import Computed, compute
from analyses.attributions.contract import Attribution, Explainer, Subject
from analyses.attributions.explanation import to_explanation
from analyses.attributions.files import read
from analyses.attributions.registry import explainers, get_explainer
from analyses.attributions.subjects import choose_utterances, load_subject

__all__ = [
    "Attribution",
    "Computed",
    "Explainer",
    "Subject",
    "cells",
    "choose_utterances",
    "compute",
    "explainers",
    "get_explainer",
    "load_subject",
    "read",
    "to_explanation",
]
