"""Tables for LaTeX (booktabs, longtable not needed): what a paper takes over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.report import cells

if TYPE_CHECKING:
    from analyses.report.blocks import Table

_SIGNS = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "–": "--",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "\u202f": r"\,",
    "\u00a0": "~",
    "\n": " ",
}


def escape(text: str) -> str:
    """Return a text that LaTeX sets as it is."""
    return "".join(_SIGNS.get(sign, sign) for sign in text)


def to_latex(table: Table, *, label: str) -> str:
    r"""Return a table as LaTeX (package booktabs), with its title and note as the caption.

    Args:
        table: The table; what the report shows of it is written.
        label: Label for ``\ref``.
    """
    frame = table.visible.head(table.rows)
    names = [str(name) for name in frame.columns]
    rows = [
        [cells.written(value, name) for name, value in zip(names, row, strict=True)]
        for row in frame.itertuples(index=False, name=None)
    ]
    numbers = [all(cells.is_number(value) for value in frame[name]) for name in frame.columns]
    caption = f"{table.title.rstrip('.')}. {table.note}".strip()
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"\centering\small",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{{''.join('r' if one else 'l' for one in numbers)}}}",
        r"\toprule",
        " & ".join(map(escape, table.headings)) + r" \\",
        r"\midrule",
        *(" & ".join(map(escape, row)) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"
