"""The rank of one feature in every model and by every method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
import numpy as np
from dash import html

from dashboard.attention_ranks import AttentionRanks
from dashboard.components import empty
from dashboard.data import Data, RunData
from dashboard.state import State
from dashboard.texts import Texts

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = ["method", "language_set", "model", "lift", "rank", "mean_rank", "min_rank", "max_rank", "in_top"]
_COLUMNS = ["name", *_SHOWN[1:]]
SURE = 0.8
"""In the top in at least this share of the repeats: marked as steady."""


def attention_ranks_of(run: RunData, data: Data) -> AttentionRanks:
    """Return the ranks by attention that this server counts for runs without explanations."""
    found: AttentionRanks = data.services.setdefault(f"attention ranks {run.key}", AttentionRanks(run.run))
    return found


def ranks(run: RunData, state: State, data: Data) -> pd.DataFrame:
    """Return the ranks of the feature of a view over all test utterances: one row per method, set and model."""
    import pandas as pd

    return pd.DataFrame(_rows(run, state, data), columns=_SHOWN)


def _rows(run: RunData, state: State, data: Data) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for method in run.choices.methods:
        table = run.table(
            f"rankings/{method}", columns=_COLUMNS, level="feature", part_kind="", task=state.task
        )
        if table is not None:
            places = np.flatnonzero((table["name"] == state.feature).to_numpy(dtype=bool))
            values = {name: table[name].to_numpy()[places].tolist() for name in _SHOWN[3:]}
            keys = {name: table[name].array[places].tolist() for name in _SHOWN[1:3]}
            columns = {**keys, **values}
            found += [
                {"method": method, **dict(zip(columns, row, strict=True))}
                for row in zip(*columns.values(), strict=True)
            ]
    if not run.has("rankings/attention") and state.task == "emotion":
        counted = attention_ranks_of(run, data).of(state.feature)
        found += [
            {"method": "attention", **{str(key): value for key, value in row.items()}}
            for row in counted.to_dict("records")
        ]
    return found


def ranks_part(run: RunData, state: State, data: Data, texts: Texts) -> Any:
    """Return the table of ranks, or what is missing for it."""
    rows = _rows(run, state, data)
    waiting = not run.has("rankings/attention") and not attention_ranks_of(run, data).ready
    if not rows:
        if waiting:
            return dmc.Group([dmc.Loader(size="sm"), dmc.Text(texts("feature.counting"))], gap="sm")
        return empty(
            texts("feature.no_ranks"), texts("feature.no_ranks_why"), f"msfl explain {run.run.path.name}"
        )
    parts: list[Any] = [_table(run, rows, state, texts)]
    if not run.explained:
        parts.append(dmc.Text(texts("feature.only_attention"), size="sm", c="dimmed", mt="xs"))
    return parts


def _table(run: RunData, rows: list[dict[str, Any]], state: State, texts: Texts) -> Any:
    methods = list(dict.fromkeys(row["method"] for row in rows))
    order = {name: place for place, name in enumerate(run.choices.sets)}
    keys = sorted(
        {(row["language_set"], row["model"]) for row in rows},
        key=lambda key: (key[0] != state.set, order.get(key[0], 99), key[1]),
    )
    by_key = {(row["method"], row["language_set"], row["model"]): row for row in rows}
    head = html.Tr(
        [
            html.Th(texts("feature.column.set"), scope="col"),
            html.Th(texts("feature.column.model"), scope="col"),
            *[html.Th(texts.label("method", method), scope="col", className="number") for method in methods],
        ]
    )
    body = [
        html.Tr(
            [
                html.Th(texts.label("set", language_set), scope="row"),
                html.Td(model),
                *[
                    _cell(by_key.get((method, language_set, model)), len(run.feature_names), texts)
                    for method in methods
                ],
            ],
            className="best" if language_set == state.set else "",
        )
        for language_set, model in keys
    ]
    table = html.Table([html.Thead(head), html.Tbody(body)], className="plain-table ranks")
    return html.Div(
        table, className="scroll", tabIndex="0", role="region", **{"aria-label": texts("feature.ranks")}
    )


def _cell(row: Any, count: int, texts: Texts) -> Any:
    if row is None:
        return html.Td("–", className="number")
    steady = row["in_top"] >= SURE
    where = f"{texts.count(int(row['min_rank']))}–{texts.count(int(row['max_rank']))}"
    return html.Td(
        [
            html.Span("● " if steady else "", className="steady", **{"aria-hidden": "true"}),
            html.Strong(texts.count(int(row["rank"]))),
            html.Span(f" / {texts.count(count)}", className="quiet"),
            html.Div(
                texts("feature.spread", where=where, share=texts.number(100 * row["in_top"], 0)),
                className="rank-spread",
            ),
        ],
        className="number",
    )
