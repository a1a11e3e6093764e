"""From chapters to one HTML file that opens offline.

Runs are untrusted: every text is escaped by the template, numbers of figures stand in data blocks that no browser
executes, and a content security policy lets nothing run but the two scripts whose hashes it names, and nothing be
fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from analyses.report import cells
from analyses.report.blocks import Figure, Section, Table, Terms, flat
from analyses.report.glossary import ABBREVIATIONS, TERMS

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from markupsafe import Markup

_TEMPLATES = "templates"
_ABBREVIATION = re.compile(rf"\b({'|'.join(sorted(ABBREVIATIONS, key=len, reverse=True))})s?\b")
_FORBIDDEN_TAG = re.compile(
    r"""<(?!/?(?:b|i|em|br|sub|sup|extra|span)\s*/?>|span style="color:#[0-9a-f]{6}">)""", re.IGNORECASE
)
"""Every tag that Plotly would obey in a text (links above all), except those that only shape or colour letters."""


@dataclass(frozen=True)
class Chapter:
    """One run in the report.

    Attributes:
        name: Name of its folder and prefix of its addresses: lower-case letters, digits, hyphens.
        title: Its heading.
        subtitle: Protocol, normalisation, features.
        synthetic: Whether its speech is synthetic.
        sections: Its sections.
    """

    name: str
    title: str
    subtitle: str
    synthetic: bool
    sections: Sequence[Section]

    def tables(self) -> Iterator[Table]:
        """Yield all tables, those behind figures, too."""
        for section in self.sections:
            for block in flat(section.blocks):
                if isinstance(block, Table):
                    yield block
                elif isinstance(block, Figure):
                    yield block.table

    def figures(self) -> Iterator[Figure]:
        """Yield all figures."""
        for section in self.sections:
            yield from (block for block in flat(section.blocks) if isinstance(block, Figure))


def render(chapters: Sequence[Chapter], *, title: str, made: str) -> str:
    """Return the HTML page.

    Args:
        chapters: One per run.
        title: Title of the page.
        made: When and by what it was made.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("analyses.report", _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["explained"] = explained
    environment.filters["rows"] = _rows
    environment.filters["breakable"] = breakable
    environment.filters["spec"] = figure_json
    scripts = [_plotly() if any(True for one in chapters for _ in one.figures()) else "", _asset("report.js")]
    return environment.get_template("report.html.j2").render(
        chapters=chapters,
        title=title,
        made=made,
        style=_markup(_asset("report.css")),
        scripts=[_markup(script) for script in scripts if script],
        policy=_policy([script for script in scripts if script]),
        glossary=Terms(TERMS),
    )


def explained(text: str) -> Markup:
    """Escape a text and mark the abbreviations in it with their meaning."""
    from markupsafe import Markup, escape

    def mark(match: re.Match[str]) -> str:
        return f'<abbr title="{escape(ABBREVIATIONS[match[1]])}">{match[0]}</abbr>'

    return Markup(_ABBREVIATION.sub(mark, str(escape(text))))


def breakable(text: str) -> Markup:
    """Escape a text and let a line end after its underscores: names of features are long, columns narrow."""
    from markupsafe import Markup, escape

    return Markup(str(escape(text)).replace("_", "_<wbr>"))


def figure_json(drawn: go.Figure) -> Markup:
    """Return a figure as JSON for a data block of the page: no text in it can end the block or become a link."""
    import plotly.io

    plain = _harmless(json.loads(plotly.io.to_json(drawn, validate=False, engine="json")))
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    for sign, code in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(sign, code)
    return _markup(text)


def _harmless(value: Any) -> Any:
    """Return a copy in which texts hold no tag but those for bold, italic and a new line."""
    if isinstance(value, str):
        return _FORBIDDEN_TAG.sub("&lt;", value)
    if isinstance(value, list):
        return [_harmless(one) for one in value]
    if isinstance(value, dict):
        return {key: _harmless(one) for key, one in value.items() if key not in ("images", "updatemenus")}
    return value


def _rows(table: Table) -> list[list[tuple[str, str]]]:
    """Return the rows of a table that are shown: text of each cell, and its class."""
    frame = table.visible.head(table.rows)
    columns = [str(name) for name in frame.columns]
    return [
        [(cells.written(value, name), _kind(value, name)) for name, value in zip(columns, row, strict=True)]
        for row in frame.itertuples(index=False, name=None)
    ]


def _kind(value: Any, column: str) -> str:
    """Return the class of a cell: numbers stay on one line, features in words get room."""
    return "words" if column == "in_words" else "number" if cells.is_number(value) else ""


def _policy(scripts: Sequence[str]) -> str:
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _plotly() -> str:
    """Return plotly.js as the plotly package brings it; line ends as a browser hashes them."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).replace("\r\n", "\n").replace("\r", "\n")


def _asset(name: str) -> str:
    return files("analyses.report").joinpath(_TEMPLATES, name).read_text(encoding="utf-8")


def _markup(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(text)
