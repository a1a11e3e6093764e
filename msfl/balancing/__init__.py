"""The loss balancers, by name, each imported only when it is used."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from msfl.errors import UsageError, nearest

if TYPE_CHECKING:
    from msfl.balancing.contract import Balancer

BALANCERS = {
    "fixed": "msfl.balancing.fixed:Fixed",
    "gradnorm": "msfl.balancing.gradnorm:GradNorm",
    "uncertainty": "msfl.balancing.uncertainty:Uncertainty",
    "dwa": "msfl.balancing.dwa:DynamicWeightAverage",
    "pcgrad": "msfl.balancing.pcgrad:PCGrad",
}
"""Name in an experiment file -> ``module:Class``."""


def make_balancer(name: str, **parameters: Any) -> Balancer:
    """Return a new balancer, not built yet.

    Args:
        name: A key of `BALANCERS`.
        **parameters: Of the balancer's constructor; see `docs/balancing.md`.

    Raises:
        UsageError: For an unknown name, an unknown parameter, or a value out of its range.
    """
    if name not in BALANCERS:
        raise UsageError(
            f"There is no loss balancer '{name}'; there are {', '.join(BALANCERS)}."
            + nearest(name, list(BALANCERS))
        )
    module, attribute = BALANCERS[name].split(":")
    make = getattr(import_module(module), attribute)
    known = list(inspect.signature(make).parameters)
    for parameter in parameters:
        if parameter not in known:
            raise UsageError(
                f"The loss balancer '{name}' has no parameter '{parameter}'"
                + (f"; it has {', '.join(known)}." if known else ", and no other.")
                + nearest(parameter, known)
            )
    balancer: Balancer = make(**parameters)
    return balancer
