"""The explainers by name. Other packages add theirs through the entry-point group ``msfl.explainers``.

An entry point is ``name = module:Class``, the class an `analyses.attributions.contract.Explainer`. It is imported only
when it is used.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from analyses.attributions.contract import Explainer, ExplainerEntry
from msfl.errors import UsageError, nearest

ENTRY_POINTS = "msfl.explainers"
_HERE = "analyses.attributions"
_ENTRIES = (
    ExplainerEntry("attention", f"{_HERE}.attention:Attention"),
    ExplainerEntry("shap", f"{_HERE}.expected_gradients:ExpectedGradients"),
    ExplainerEntry("owen", f"{_HERE}.owen:Owen"),
    ExplainerEntry("permutation", f"{_HERE}.permutation:Permutation"),
    ExplainerEntry("linear", f"{_HERE}.linear:LinearCoefficients"),
)
_REFUSED = {
    "deep": (
        "'deep' (shap's DeepExplainer) is not offered: it fails on every recurrent layer, such as the LSTM of "
        "msfl, and leaves TensorFlow unable to compute gradients until Python is restarted. Use 'shap': "
        "expected gradients give SHAP values of any network."
    )
}


def explainers() -> dict[str, ExplainerEntry]:
    """Return all explainers by name: ours first, then those of other packages."""
    found = {entry.name: entry for entry in _ENTRIES}
    for point in entry_points(group=ENTRY_POINTS):
        found.setdefault(point.name, ExplainerEntry(point.name, point.value))
    return {name: entry for name, entry in found.items() if name not in _REFUSED}


def explainer_class(name: str) -> type[Explainer]:
    """Import the class of an explainer.

    Raises:
        UsageError: There is no such explainer, it is refused, or its package cannot be imported.
    """
    if name in _REFUSED:
        raise UsageError(_REFUSED[name])
    known = explainers()
    if name not in known:
        raise UsageError(
            f"There is no explainer '{name}' (there are {', '.join(known)}).{nearest(name, list(known))}"
        )
    module, _, attribute = known[name].target.partition(":")
    try:
        found: type[Explainer] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"The explainer '{name}' cannot be loaded from {known[name].target}: {error}. Install what it needs, "
            "or leave it out."
        ) from None
    return found


def get_explainer(name: str, **parameters: Any) -> Explainer:
    """Construct an explainer.

    Args:
        name: ``attention``, ``shap``, ``owen``, ``permutation``, ``linear``, or one of another package.
        **parameters: Parameters that differ from its defaults.

    Raises:
        UsageError: There is no such explainer, it has no such parameter, or it refuses a value.
    """
    kind = explainer_class(name)
    known = _names(kind)
    for key in parameters:
        if key not in known:
            raise UsageError(
                f"The explainer '{name}' has no parameter '{key}' (it has {', '.join(known) or 'none'})."
                f"{nearest(key, known)}"
            )
    try:
        return kind(**parameters)
    except (TypeError, ValueError) as error:
        raise UsageError(f"The explainer '{name}' refuses its parameters: {error}.") from None


def parameters_of(explainer: Explainer, given: dict[str, Any]) -> dict[str, Any]:
    """Return all parameters of an explainer, for the record: as it keeps them, else as they were given."""
    return {name: getattr(explainer, name, given.get(name)) for name in _names(type(explainer))}


def _names(kind: type[Explainer]) -> list[str]:
    if kind.__init__ is object.__init__:
        return []
    named = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [key for key, one in inspect.signature(kind).parameters.items() if one.kind in named]
