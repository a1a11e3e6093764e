"""The sections of a chapter, one per file: a module here with ``ORDER`` and ``section(context)`` is a section.

``section`` returns None where the section says nothing about this run (planted truth, where nothing was planted).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from analyses.report.blocks import Notice, Section
from analyses.report.context import Context

Maker = Callable[[Context], Section | None]


@lru_cache(maxsize=1)
def makers() -> tuple[tuple[str, Maker], ...]:
    """Return the sections in their order: name of the module, function that makes it."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    modules.sort(key=lambda module: (module.ORDER, module.__name__))
    return tuple((module.__name__.rpartition(".")[2], module.section) for module in modules)


def sections(context: Context) -> list[Section]:
    """Make all sections of a chapter; a damaged table costs the section that reads it, not the report."""
    made = []
    for name, make in makers():
        try:
            found = make(context)
        except Exception as error:  # tables come from other people's folders: anything can be wrong with them
            found = _failed(context, name, error)
        if found is not None:
            made.append(found)
    return made


def _failed(context: Context, name: str, error: Exception) -> Section:
    reason = str(error).splitlines()[0] if str(error) else ""
    context.say(
        f"{context.run.path}: the section '{name}' could not be made ({type(error).__name__}: {reason})."
    )
    return Section(
        name.replace("_", " ").capitalize(),
        name.replace("_", "-"),
        [
            Notice(
                "This section could not be made, because a table of the run is damaged or of another "
                "version "
                f"({type(error).__name__}: {reason[:200]}). The rest of the report does not depend on it.",
                "missing",
                context.command("explain"),
            )
        ],
    )
