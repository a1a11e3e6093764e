"""From run folders to rankings and reports; imports msfl, never dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyses import report as report

__all__ = ["report"]


def __getattr__(name: str) -> Any:
    """Import ``analyses.report`` when it is asked for: ``import analyses`` stays instant."""
    if name == "report":
        from importlib import import_module

        return import_module("analyses.report")
    raise AttributeError(f"module 'analyses' has no attribute '{name}'")
