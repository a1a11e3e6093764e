"""Words of the report: names of languages, methods and models as a reader expects them, lists, numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

LANGUAGES = {
    "ar": "Arabic",
    "cmn": "Mandarin",
    "da": "Danish",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "fa": "Persian",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "tr": "Turkish",
    "ur": "Urdu",
    "zh": "Mandarin",
}
METHODS = {
    "attention": "attention",
    "shap": "SHAP (expected gradients)",
    "owen": "Owen values",
    "permutation": "permutation",
    "linear": "linear model",
    "consensus": "consensus of the methods",
    "random": "random rankings",
}
MODELS = {
    "msfl": "MSFL",
    "msfl-paper": "MSFL, settings of the paper",
    "msfl-single-task": "MSFL without the language task",
    "mtl-cnn": "MTL-CNN",
    "mtl-cnn-single-task": "MTL-CNN without its auxiliary tasks",
    "attention-e2e": "attention-augmented end-to-end network",
    "attention-e2e-single-task": "end-to-end network without its auxiliary tasks",
    "aggregated-mtl": "aggregated-corpora network (gender, naturalness)",
    "aggregated-mtl-gender": "aggregated-corpora network (gender)",
    "aggregated-mtl-naturalness": "aggregated-corpora network (naturalness)",
    "aggregated-mtl-single-task": "aggregated-corpora network without its auxiliary tasks",
    "aggregated-mtl-frames": "aggregated-corpora network over frames (gender, naturalness)",
    "aggregated-mtl-frames-gender": "aggregated-corpora network over frames (gender)",
    "aggregated-mtl-frames-naturalness": "aggregated-corpora network over frames (naturalness)",
    "aggregated-mtl-frames-single-task": "aggregated-corpora network over frames without its auxiliary tasks",
    "semi-supervised-aae": "semi-supervised adversarial autoencoder",
    "semi-supervised-aae-supervised": "the autoencoder's supervised twin",
    "semi-supervised-aae-single-task": "adversarial autoencoder without its auxiliary tasks",
    "majority": "always the most frequent emotion",
    "logistic-regression": "logistic regression",
    "linear-svm": "linear SVM",
    "rbf-svm": "SVM with a radial kernel",
    "gradient-boosting": "gradient boosting",
    "least-squares": "least squares",
}
LEVELS = {
    "feature": "features",
    "contour": "contours",
    "functional": "functionals",
    "family": "families",
}
VERDICTS = {
    "trust": "can be trusted",
    "caution": "use with caution",
    "do not trust": "do not trust",
}
NONE = "–"
"""Stands where there is no number."""


def language(tag: str) -> str:
    """Return the name of a language: ``German`` for ``de``, ``English (en-IN)`` for ``en-IN``."""
    name = LANGUAGES.get(tag.split("-")[0].lower())
    if name is None:
        return tag
    return name if "-" not in tag else f"{name} ({tag})"


def languages(tags: Iterable[str]) -> str:
    """Return ``German, English and Mandarin``."""
    return listed([language(tag) for tag in tags])


def method(name: str) -> str:
    """Return the name of a method in words; that of a plug-in is its own."""
    return METHODS.get(name, name)


def model(name: str) -> str:
    """Return the name of a model in words; that of a plug-in is its own."""
    return MODELS.get(name, name)


def listed(parts: Iterable[str], last: str = "and") -> str:
    """Return ``a, b and c``."""
    items = list(parts)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def counted(number: int, one: str, many: str = "") -> str:
    """Return ``1 speaker`` or ``1,582 features``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def number(value: Any, digits: int = 2) -> str:
    """Return a number as the field writes it: ``.82``, ``-1.30``, `NONE` where there is none."""
    found = _float(value)
    if found is None:
        return NONE
    text = f"{found:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("0.", ".", 1) if abs(float(text)) < 1 and digits else text


def p_value(value: Any) -> str:
    """Return ``.03`` or ``< .001``."""
    found = _float(value)
    if found is None:
        return NONE
    if found < 0.001:
        return "< .001"
    return number(found, 3 if found < 0.1 else 2)


def percent(value: Any) -> str:
    """Return ``83 %``."""
    found = _float(value)
    return NONE if found is None else f"{100 * found:.0f} %"


def interval(low: Any, high: Any, digits: int = 2) -> str:
    """Return ``[.76, .86]``; empty where there is none."""
    ends = [_float(low), _float(high)]
    return "" if None in ends else f"[{number(low, digits)},\u00a0{number(high, digits)}]"  # never broken


def with_interval(value: Any, low: Any, high: Any, digits: int = 2) -> str:
    """Return ``.82 [.76, .86]``."""
    return f"{number(value, digits)} {interval(low, high, digits)}".strip()


def _float(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
