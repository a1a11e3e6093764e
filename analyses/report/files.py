"""The report as files: page, tables, LaTeX, figures, model card, summary."""

from __future__ import annotations

import math
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.explanations import TABLES
from analyses.report.cells import is_missing
from analyses.report.latex import to_latex
from msfl.atomic import replacing, write_json, write_parquet

if TYPE_CHECKING:
    import pandas as pd

    from analyses.report.context import Context
    from analyses.report.page import Chapter

_FORMULA = r"\A([=+\-@\t\r])"


def slug(text: str, used: Iterable[str] = ()) -> str:
    """Return a name for a file or an address: lower-case letters, digits and hyphens, and none that is taken."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "run"
    taken, number, name = set(used), 2, plain
    while name in taken:
        name, number = f"{plain}-{number}", number + 1
    return name


def write_text(file: Path, text: str) -> None:
    """Write a text, atomically."""
    with replacing(file) as work:
        work.write_text(text, encoding="utf-8")


def write_tables(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Write each table as CSV and as Parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        write_parquet(folder / f"{name}.parquet", _storable(frame), index=False)
        write_csv(folder / f"{name}.csv", frame)


def write_csv(file: Path, frame: pd.DataFrame) -> None:
    """Write a table as CSV in UTF-8 with the mark that spreadsheets know.

    A text that a spreadsheet would run as a formula gets an apostrophe: names come from run folders of others.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow.csv import (
        write_csv as write,
    )  # many times faster than pandas, and a ranking has 100,000 rows

    table = pa.Table.from_pandas(_storable(frame), preserve_index=False)
    for place, name in enumerate(table.column_names):
        column = table.column(place)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            safe = pc.replace_substring_regex(column, _FORMULA, r"'\1")
            table = table.set_column(place, name, safe)
    with replacing(file) as work, work.open("wb") as handle:
        handle.write(BOM_UTF8)
        write(table, handle)


def write_chapter(folder: Path, chapter: Chapter, context: Context, card: str) -> None:
    """Write everything of one run but the page: tables, LaTeX, model card."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = {table.name: table for table in chapter.tables()}
    whole = dict(_whole(context))
    write_tables(folder / "tables", {name: table.frame for name, table in shown.items()} | whole)
    (folder / "latex").mkdir(exist_ok=True)
    for name, table in shown.items():
        if table.latex:
            write_text(folder / "latex" / f"{name}.tex", to_latex(table, label=f"tab:{chapter.name}-{name}"))
    write_text(folder / "model-card.md", card)


def write_summary(file: Path, summary: dict[str, Any]) -> None:
    """Write the summary as JSON; a missing number is null, as JSON knows no NaN."""
    write_json(file, _plain(summary))


def written_names(chapter: Chapter, context: Context) -> list[str]:
    """Return the names of all tables that are written."""
    return sorted({*(table.name for table in chapter.tables()), *(name for name, _ in _whole(context))})


def _whole(context: Context) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the tables of the explanations that are written whole, besides what the report shows of them."""
    names = [f"rankings/{method}" for method in context.methods]
    for name in (*TABLES, *names):
        frame = context.table(name)
        if frame is not None and len(frame):
            yield name.replace("rankings/", "ranking-"), frame


def _storable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with columns of one type each: Parquet takes no mixture of texts and numbers."""
    found = frame.copy()
    found.columns = found.columns.map(str)
    for column in found.select_dtypes(include="object"):
        kinds = {type(value) for value in found[column].dropna()}
        if len(kinds) > 1:
            found[column] = found[column].map(lambda value: None if is_missing(value) else str(value))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "item") and not isinstance(value, str):  # a number of NumPy
        value = value.item()
    if is_missing(value) or (isinstance(value, float) and math.isinf(value)):
        return None
    return value
