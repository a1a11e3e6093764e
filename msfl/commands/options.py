"""Types of options that several commands share."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import click


class OutputFile(click.Path):
    """A file to write, checked before anything is computed: its folder must exist, and it must be no folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False, writable=True)

    def convert(
        self, value: str | PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """Return the path."""
        super().convert(value, param, ctx)
        file = Path(value)
        if not file.parent.is_dir():
            self.fail(f"There is no folder '{file.parent}' to write {file.name} into.", param, ctx)
        return file
