"""The report: what a run found, for linguists first. ``analyses.report(run)`` and ``msfl report RUN``.

`writing` puts it together from `sections` (one per file, made of `blocks`); `page` makes HTML of it, `files` the rest.
The package itself can be called, so that ``analyses.report(run)`` means the same whether or not one of its modules was
imported before: a function of this name would be replaced by the package then.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        """Write a report, see `analyses.report.writing.report`."""
        from analyses.report.writing import report

        return report(*args, **options)


sys.modules[__name__].__class__ = _Callable
