"""Compare: two rankings side by side, what they agree on beside chance, and what only one of them has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, html, no_update
from dash import State as Held

from dashboard.compare import SIDE, Comparison, compare, other, rankings, same
from dashboard.components import card, csv_link, empty, figure, help_mark, page_head, page_link, pill, tile
from dashboard.data import Data
from dashboard.later import drawn_of, later
from dashboard.state import State, state_of
from dashboard.texts import Texts

if TYPE_CHECKING:
    import pandas as pd

NAME = "compare"
TITLE = "compare.title"
CONTROLS = ("set", "method", "emotion", "level")
KIND = "compare-side"
"""``type`` of the ids of the selects of the other side."""
_AS_FIRST = "*"
_TOP = 10
_LISTED = 12


def _csv(state: State, data: Data) -> pd.DataFrame:
    import pandas as pd

    found = _compared(state, data)
    return pd.DataFrame() if found is None else found.table


TABLES = {"ranks": _csv}


def layout(state: State, data: Data, texts: Texts) -> Any:
    """Return the page."""
    second = other(state, data)
    parts: list[Any] = [page_head(texts("compare.title"), texts("compare.lead"))]
    parts.append(_sides(state, second, data, texts))
    if same(state, second):
        return dmc.Stack([*parts, empty(texts("compare.same"), texts("compare.same_why"))])
    tables = rankings(state, data)
    for view, table in zip((state, second), tables, strict=True):
        if table is None:
            run = data.run(view)
            why = run.problem or run.why_missing(f"rankings/{view.method}") or texts("compare.missing_why")
            missing = empty(texts("compare.missing"), why, f"msfl explain {run.run.path}")
            return dmc.Stack([*parts, missing])
    found = _compared(state, data)
    if found is None:
        return dmc.Stack([*parts, empty(texts("compare.nothing"), texts("compare.nothing_why"))])
    names = _names(state, second, texts)
    moves = card(
        texts("compare.moves"),
        dmc.Text(texts("compare.moves_read"), size="sm", c="dimmed"),
        later(NAME, "moves", 110 + 36 * (_length(found) + 1)),
    )
    parts += [_agreement(found, texts), moves, _alone(found, names, state, data, texts)]
    return dmc.Stack([*parts, _overlaps(found, texts)])


def register(app: Dash, data: Data) -> None:
    """Set up the choice of the other side."""

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        Input({"type": KIND, "field": ALL}, "value"),
        Held({"type": KIND, "field": ALL}, "id"),
        Held("state", "data"),
        prevent_initial_call=True,
    )
    def choose(values: list[str | None], ids: list[dict[str, str]], stored: object) -> Any:
        given = {one["field"]: str(value or "") for one, value in zip(ids, values, strict=True)}
        state = state_of(stored, data)
        changed = choice(state, given, data)
        return no_update if changed is None else changed.query()


def choice(state: State, given: dict[str, str], data: Data) -> State | None:
    """Return the view after a choice for the other side; None where the selects say what is shown already.

    Args:
        state: The view.
        given: Field of `SIDE` -> value of its select.
        data: The runs.
    """
    shown = _shown(state, other(state, data))
    if any(given.get(field, shown[field]) != shown[field] for field in SIDE):
        chosen = {field: "" if value == _AS_FIRST else value for field, value in (shown | given).items()}
        if chosen["run2"] != shown["run2"]:  # its sets and methods are others
            chosen = {field: chosen["run2"] if field == "run2" else "" for field in SIDE}
        return replace(state, **{field: chosen[field] for field in SIDE})
    return None


def _shown(state: State, second: State) -> dict[str, str]:
    """Return what the selects of the other side say."""
    return {
        "run2": second.run,
        "set2": second.set,
        "method2": second.method,
        "emotion2": state.emotion2 or _AS_FIRST,
    }


def _sides(state: State, second: State, data: Data, texts: Texts) -> Any:
    """Return the choice of the other side."""
    choices = data.run(second).choices
    options = {
        "run2": [(key, key) for key in data.runs],
        "set2": [(name, texts.label("set", name)) for name in choices.sets],
        "method2": [(name, texts.label("method", name)) for name in choices.methods],
        "emotion2": [
            (_AS_FIRST, texts("compare.as_first")),
            *((name, texts.label("emotion", name)) for name in choices.emotions),
        ],
    }
    shown = _shown(state, second)
    labels = {"run2": "shell.run", "set2": "control.set", "method2": "control.method"}
    selects = [
        dmc.Select(
            id={"type": KIND, "field": field},
            label=texts(labels.get(field, "control.emotion")),
            data=[{"value": value, "label": label} for value, label in options[field]],
            value=shown[field] if any(shown[field] == value for value, _ in options[field]) else None,
            allowDeselect=False,
            size="xs",
            w=230 if field == "method2" else 190,
        )
        for field in SIDE
    ]
    above = dmc.Text(texts("compare.first", name=_name(state, texts)), size="sm")
    return card(
        texts("compare.with"),
        above,
        dmc.Group(selects, gap="sm", mt="xs"),
        help=help_mark(texts, "compare.help.with"),
    )


def _name(view: State, texts: Texts) -> str:
    emotion = texts.label("emotion", view.emotion) if view.emotion else ""
    said = (view.run, texts.label("set", view.set), texts.label("method", view.method), emotion)
    return " · ".join(one for one in said if one)


def _names(state: State, second: State, texts: Texts) -> tuple[str, str]:
    """Return short names of both sides: what differs between them."""
    differing = [field.removesuffix("2") for field in SIDE]
    differing = [field for field in differing if getattr(state, field) != getattr(second, field)]

    def short(view: State) -> str:
        values = [(field, getattr(view, field)) for field in differing]
        return " · ".join(
            texts.label(field, value) if value else texts("compare.all_emotions") for field, value in values
        )

    return short(state), short(second)


def _agreement(found: Comparison, texts: Texts) -> Any:
    """Return the figures of agreement, each beside chance, and what they mean."""
    top = next((one for one in found.overlaps if one.k == _TOP), found.overlaps[0])
    chance = texts("compare.chance", value=texts.number(top.expected, 1))
    tiles = [
        tile(
            texts("compare.overlap", k=top.k),
            f"{top.common} / {top.k}",
            chance,
            help_mark(texts, "compare.help.overlap"),
        ),
        tile(
            texts("compare.rbo"),
            texts.number(found.rbo),
            texts("compare.chance", value=texts.number(found.rbo_chance)),
            help_mark(texts, "compare.help.rbo"),
        ),
        tile(
            texts("compare.tau"),
            texts.number(found.tau),
            texts("compare.chance", value="0"),
            help_mark(texts, "compare.help.tau"),
        ),
        tile(texts("compare.items"), texts.count(len(found.table)), _left_out(found, texts)),
    ]
    kind = "far" if top.p_value >= 0.05 else "near" if 2 * top.common > top.k else "some"
    return card(
        texts("compare.agreement"),
        dmc.Text(texts(f"compare.means_{kind}", common=top.common, k=top.k), mb="sm", maw=860),
        dmc.SimpleGrid(tiles, cols={"base": 2, "lg": 4}),
    )


def _left_out(found: Comparison, texts: Texts) -> str:
    return texts("compare.left_out", count=texts.count(found.alone)) if found.alone else ""


def _moves(state: State, data: Data, texts: Texts) -> Any:
    import pandas as pd

    from analyses.figures import bump

    found = _compared(state, data)
    if found is None:
        return []
    names = _names(state, other(state, data), texts)
    table, top = found.table, _length(found)
    shown = table[(table["rank_a"] <= top) | (table["rank_b"] <= top)]
    about = shown[["name", "in_words", "family"]]
    stacked = pd.concat(
        [about.assign(rank=shown[f"rank_{side}"], side=side) for side in ("a", "b")], ignore_index=True
    )
    drawn = bump.spec(stacked, ("a", "b"), by="side", top=top, titles=names)
    return figure(
        drawn, "compare-bump", texts("compare.moves_alt", first=names[0], second=names[1]), texts=texts
    )


def _compared(state: State, data: Data) -> Comparison | None:
    """Return the comparison of a view, counted once."""
    first, last = rankings(state, data)
    if first is None or last is None:
        return None
    second = other(state, data)
    sides = [(one.run, one.set, one.method, one.task, one.emotion, one.level) for one in (state, second)]
    key = ("compare", *sides, data.run(state).stamp, data.run(second).stamp)
    found: Comparison | None = drawn_of(data).get(key, lambda: compare(first, last))
    return found


def _length(found: Comparison) -> int:
    return min(_TOP, max(one.k for one in found.overlaps))


def _alone(found: Comparison, names: tuple[str, str], state: State, data: Data, texts: Texts) -> Any:
    """Return what is in the top of both, and of one only, with its rank on the other side."""
    top, table = _length(found), found.table
    in_a, in_b = table["rank_a"] <= top, table["rank_b"] <= top
    columns = [
        (texts("compare.only", name=names[0]), table[in_a & ~in_b], "rank_b", names[1]),
        (texts("compare.both"), table[in_a & in_b], "", ""),
        (texts("compare.only", name=names[1]), table[in_b & ~in_a], "rank_a", names[0]),
    ]
    known = data.run(state).feature_set if state.level == "feature" else frozenset()
    shown = []
    for title, rows, elsewhere, where in columns:
        items = []
        for row in rows.head(_LISTED).to_dict("records"):
            words = str(row["in_words"])
            name: Any = words
            if row["name"] in known:
                name = page_link(words, state, "feature", feature=str(row["name"]))
            parts = [name]
            if elsewhere:
                rank = texts.count(int(row[elsewhere]))
                parts.append(html.Div(texts("compare.there", rank=rank, name=where), className="quiet"))
            items.append(html.Li(parts))
        body: Any = html.Ul(items, className="tight") if items else dmc.Text("–", c="dimmed")
        shown.append(dmc.Stack([dmc.Title(title, order=3, size="h6"), body], gap="xs"))
    return card(
        texts("compare.lists", k=top),
        dmc.SimpleGrid(shown, cols={"base": 1, "sm": 3}),
        actions=csv_link(state, "ranks", texts),
    )


def _overlaps(found: Comparison, texts: Texts) -> Any:
    names = ("k", "common", "expected", "p")
    head = html.Tr([html.Th(texts(f"compare.column.{name}"), scope="col") for name in names])
    body = []
    for one in found.overlaps:
        p = f"< {texts.number(0.001, 3)}" if one.p_value < 0.001 else texts.number(one.p_value, 3)
        beyond = one.p_value < 0.05
        words = texts("compare.beyond" if beyond else "compare.as_chance")
        body.append(
            html.Tr(
                [
                    html.Th(texts.count(one.k), scope="row"),
                    html.Td(texts.count(one.common)),
                    html.Td(texts.number(one.expected, 2)),
                    html.Td([p, " ", pill(words, "good" if beyond else "plain")]),
                ]
            )
        )
    return card(
        texts("compare.overlaps"),
        dmc.Text(texts("compare.overlaps_read"), size="sm", c="dimmed"),
        html.Table([html.Thead(head), html.Tbody(body)], className="plain-table"),
    )


PARTS = {"moves": _moves}
