"""Tables of the pages as CSV: ``/table/PAGE/NAME.csv`` with the query of the view."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dashboard.data import Data
from dashboard.pages import Page, tables_of
from dashboard.state import read_state
from msfl.errors import MsflError

if TYPE_CHECKING:
    import pandas as pd
    from flask import Flask, Response

_FORMULA = re.compile(r"^[=+\-@\t\r]")


def to_csv(table: pd.DataFrame) -> bytes:
    """Return a table as CSV in UTF-8 with a mark that spreadsheets know.

    A text that a spreadsheet would run as a formula gets an apostrophe: names come from run folders of others.
    """
    safe = table.copy()
    for column in safe.select_dtypes(exclude="number"):
        safe[column] = [
            f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value
            for value in safe[column]
        ]
    return safe.to_csv(index=False).encode("utf-8-sig")


def serve_tables(server: Flask, pages: tuple[Page, ...], data: Data) -> None:
    """Add the route."""
    from flask import Response, abort, request

    by_name = {page.NAME: page for page in pages}

    @server.get("/table/<page>/<name>.csv")
    def table(page: str, name: str) -> Response:
        if page not in by_name or name not in tables_of(by_name[page]):
            abort(404)
        state, _ = read_state(f"/{page}", request.query_string.decode("utf-8", "replace"), data)
        try:
            made = tables_of(by_name[page])[name](state, data)
        except MsflError as error:
            return Response(f"{error}\n", 404, mimetype="text/plain")
        file = f"{state.run}-{page}-{name}.csv"
        return Response(
            to_csv(made),
            mimetype="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{file}"'},
        )
