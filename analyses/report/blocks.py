"""What a section of the report is made of. A block says what is to be shown; `analyses.report.page` says how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

Text: TypeAlias = str
"""Plain text. It is escaped where it is shown, because names in it may come from a stranger's run folder."""


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text; `lead` makes it the sentence that a hurried reader reads."""

    text: Text
    lead: bool = False
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: Text
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    items: Sequence[Text]
    kind: ClassVar[str] = "points"


@dataclass(frozen=True)
class Terms:
    """A list of words with their meaning."""

    items: Mapping[str, Text]
    kind: ClassVar[str] = "terms"


@dataclass(frozen=True)
class Notice:
    """What must not be overlooked.

    Attributes:
        text: One sentence or two.
        level: ``warning``; ``missing`` where something was not computed; ``verdict`` for a judgement.
        command: The command that computes what is missing.
    """

    text: Text
    level: Literal["warning", "missing", "verdict"] = "warning"
    command: str = ""
    kind: ClassVar[str] = "notice"


@dataclass(frozen=True)
class Command:
    """A command line to copy."""

    text: Text
    kind: ClassVar[str] = "command"


@dataclass(frozen=True)
class Table:
    """A table, shown and written to files.

    Attributes:
        name: Name of its files: lower-case words joined by ``-``.
        title: What stands above it.
        frame: What is written to the files, with the names of columns that programs read.
        columns: Columns to show -> their headings; all of `frame` under their own names if empty.
        shown: What is shown, where it is not `frame` (numbers joined with their intervals, for instance).
        rows: So many rows are shown; the rest is in the files.
        folded: Whether it is shown only when the reader opens it.
        note: A sentence under it.
        latex: Whether it is written for LaTeX, too.
    """

    name: str
    title: Text
    frame: pd.DataFrame
    columns: Mapping[str, Text] = field(default_factory=dict)
    shown: pd.DataFrame | None = None
    rows: int = 60
    folded: bool = False
    note: Text = ""
    latex: bool = False
    kind: ClassVar[str] = "table"

    @property
    def visible(self) -> pd.DataFrame:
        """The rows and columns that are shown, under their own names."""
        frame = self.frame if self.shown is None else self.shown
        return frame[list(self.columns)] if self.columns else frame

    @property
    def headings(self) -> list[str]:
        """Headings of `visible`."""
        return [self.columns.get(str(name), str(name)) for name in self.visible.columns]


@dataclass(frozen=True)
class Figure:
    """A figure with the sentence that says how to read it and the numbers behind it.

    Attributes:
        name: Name of its files: lower-case words joined by ``-``.
        title: What stands above it.
        how_to_read: One sentence.
        drawn: The figure.
        data: The numbers in it; shown when the reader opens them, and written to files.
        columns: Columns of `data` to show -> their headings.
    """

    name: str
    title: Text
    how_to_read: Text
    drawn: go.Figure
    data: pd.DataFrame
    columns: Mapping[str, Text] = field(default_factory=dict)
    kind: ClassVar[str] = "figure"

    @property
    def table(self) -> Table:
        """The numbers behind the figure, as a folded table."""
        return Table(self.name, "The numbers in this figure", self.data, self.columns, folded=True)


@dataclass(frozen=True)
class Fold:
    """Blocks that are shown when the reader opens them, and in print unless `printed` is False."""

    title: Text
    blocks: Sequence[Block]
    printed: bool = True
    kind: ClassVar[str] = "fold"


Block: TypeAlias = Paragraph | Heading | Points | Terms | Notice | Command | Table | Figure | Fold


@dataclass(frozen=True)
class Section:
    """A section of the report.

    Attributes:
        title: Its heading.
        anchor: Its address within a chapter: lower-case words joined by ``-``.
        blocks: What it is made of.
    """

    title: Text
    anchor: str
    blocks: Sequence[Block]


def flat(blocks: Sequence[Block]) -> list[Block]:
    """Return all blocks in their order, those in folds, too."""
    found: list[Block] = []
    for block in blocks:
        found.append(block)
        if isinstance(block, Fold):
            found += flat(block.blocks)
    return found
