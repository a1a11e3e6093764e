"""Shared features: one ranking in words, how sure it is, and what the languages have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, html, no_update
from dash import State as Held

from analyses.figures import bump, heat_map, upset
from dashboard.components import card, csv_link, empty, figure, help_mark, page_head, page_link, pill
from dashboard.data import Data, RunData
from dashboard.shared_features import DEFINITIONS, TOP, found_by, marks, ranking, side_by_side, verdict
from dashboard.state import State, state_of
from dashboard.texts import Texts

if TYPE_CHECKING:
    import pandas as pd

NAME = "shared"
TITLE = "shared.title"
CONTROLS = ("set", "emotion", "level", "method")
SHOWN = (10, 50)
"""Rows of the list at first, and when the reader wants more or searches."""
_VERDICTS = {"trust": "good", "caution": "caution", "do not trust": "bad"}
_MORE = "more"


def _csv(state: State, data: Data) -> pd.DataFrame:
    import pandas as pd

    run = data.run(state)
    table = ranking(run, state)
    if table is None:
        return pd.DataFrame()
    shared = marks(run, state)
    return table.assign(
        **{f"shared_{name}": table["name"].isin(shared.get(name, ())) for name in DEFINITIONS}
    )


TABLES = {"ranking": _csv}


def layout(state: State, data: Data, texts: Texts) -> Any:
    """Return the page."""
    run = data.run(state)
    parts = [page_head(texts("shared.title"), texts("shared.lead"))]
    table = ranking(run, state)
    if table is None or table.empty:
        return dmc.Stack([*parts, _missing(run, state, texts)])
    parts += [_verdict(run, state, texts), _list(run, table, state, texts)]
    parts += [_moves(run, state, texts), _overlaps(run, state, texts), _maps(run, state, texts)]
    return dmc.Stack([part for part in parts if part is not None])


def register(app: Dash, data: Data) -> None:
    """Set up the search."""

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        Input("shared-search", "value"),
        Held("state", "data"),
        prevent_initial_call=True,
    )
    def search(words: str | None, stored: object) -> Any:
        state = state_of(stored, data)
        wanted = (words or "")[:80]
        return no_update if wanted == state.search else replace(state, search=wanted).query()


def _missing(run: RunData, state: State, texts: Texts) -> Any:
    why = run.problem or run.why_missing(f"rankings/{state.method}") or texts("shared.missing_why")
    return empty(texts("shared.missing"), why, f"msfl explain {run.run.path}")


def _verdict(run: RunData, state: State, texts: Texts) -> Any:
    """Return how far to trust the ranking, before anything of it is shown."""
    found = verdict(run, state)
    link = page_link(texts("shared.to_trust"), state, "trust")
    if found is None:
        return dmc.Group([pill(texts("shared.unjudged"), "plain"), link], gap="sm")
    kind = str(found["verdict"])
    return dmc.Paper(
        [
            dmc.Group(
                [
                    pill(
                        texts(f"shared.verdict.{_VERDICTS.get(kind, 'plain')}"), _VERDICTS.get(kind, "plain")
                    ),
                    help_mark(texts, "shared.help.verdict"),
                    link,
                ],
                gap="sm",
            ),
            dmc.Text(str(found["reasons"]), size="sm", mt=6, maw=860),
        ],
        withBorder=True,
        p="md",
        radius="md",
    )


def _list(run: RunData, table: pd.DataFrame, state: State, texts: Texts) -> Any:
    """Return the ranking, best first, with its spread and what is shared."""
    found = found_by(table, state.search)
    more = state.search or state.view == _MORE
    shown = found.head(SHOWN[bool(more)])
    shared = marks(run, state)
    box = dmc.TextInput(
        id="shared-search",
        label=texts("shared.search"),
        placeholder=texts("shared.search_hint"),
        value=state.search,
        debounce=400,
        w=320,
        size="xs",
    )
    count = texts("shared.count", shown=texts.count(len(shown)), count=texts.count(len(found)))
    actions = dmc.Group([dmc.Text(count, size="sm", c="dimmed"), csv_link(state, "ranking", texts)], gap="sm")
    body = [_row(run, row, shared, state, texts) for row in shown.to_dict("records")]
    names = ("rank", "item", "family", "weight", "spread", "in_top", "shared")
    head = html.Tr(
        [
            html.Th(
                [texts(f"shared.column.{name}"), help_mark(texts, f"shared.help.{name}")]
                if name in ("weight", "spread", "shared")
                else texts(f"shared.column.{name}"),
                scope="col",
            )
            for name in names
        ]
    )
    listed = html.Div(
        html.Table([html.Thead(head), html.Tbody(body)], className="plain-table"),
        className="scroll",
        tabIndex="0",
        role="region",
        **{"aria-label": texts("shared.list")},
    )
    link = "" if state.view == _MORE else _MORE
    parts: list[Any] = [box, listed if body else dmc.Text(texts("shared.none_found"), mt="sm")]
    if len(found) > SHOWN[0] and not state.search:
        words = texts("shared.fewer" if more else "shared.more", count=SHOWN[not more])
        parts.append(page_link(words, state, view=link))
    return card(texts("shared.list"), *parts, actions=actions)


def _row(run: RunData, row: dict[Any, Any], shared: dict[str, set[str]], state: State, texts: Texts) -> Any:
    name = str(row["name"])
    words = str(row["in_words"])
    heading: Any = words[:1].upper() + words[1:]
    if state.level == "feature" and name in run.feature_set:
        heading = page_link(heading, state, "feature", feature=name)
    found = [key for key in DEFINITIONS if name in shared.get(key, ())]
    where = f"{texts.count(int(row['min_rank']))}–{texts.count(int(row['max_rank']))}"
    spread = f"{texts.number(row['mean_rank'], 1)} ± {texts.number(row['sd_rank'], 1)}"
    return html.Tr(
        [
            html.Td(texts.count(int(row["rank"])), className="number"),
            html.Th(
                [heading, *([html.Div(name, className="quiet code")] if name != words else [])], scope="row"
            ),
            html.Td(texts.label("family", str(row["family"]))),
            html.Td(f"{texts.number(row['lift'], 1)} ×", className="number"),
            html.Td([spread, html.Div(where, className="quiet")], className="number"),
            html.Td(f"{texts.number(100 * row['in_top'], 0)} %", className="number"),
            html.Td([pill(texts(f"shared.definition.{key}"), "good") for key in found] or "–"),
        ]
    )


def _moves(run: RunData, state: State, texts: Texts) -> Any:
    stacked = side_by_side(run, state)
    lists = [] if stacked is None else list(dict.fromkeys(stacked["language_set"]))
    if stacked is None or len(lists) < 2:
        return None
    top = min(TOP, max(1, stacked["name"].nunique() // 2)) if state.level != "family" else TOP
    drawn = bump.figure(stacked, lists, top=top, titles=[texts.label("set", name) for name in lists])
    alt = texts("shared.moves_alt", count=len(lists))
    return card(
        texts("shared.moves"),
        dmc.Text(texts("shared.moves_read"), size="sm", c="dimmed"),
        figure(drawn, "shared-bump", alt, name=f"{run.key}-ranks"),
    )


def _overlaps(run: RunData, state: State, texts: Texts) -> Any:
    """Return what the top lists have in common, beside chance."""
    stacked = side_by_side(run, state)
    if stacked is None or stacked["language_set"].nunique() < 2 or state.level == "family":
        return None
    top = stacked[stacked["rank"] <= TOP]
    lists = {
        texts.label("set", str(name)): list(map(str, rows.sort_values("rank")["name"]))
        for name, rows in top.groupby("language_set", sort=False)
    }
    words = dict(zip(top["name"].astype(str), top["in_words"].astype(str), strict=True))
    size = int(stacked["name"].nunique())
    drawn = upset.figure(lists, words=words, items=size, what=texts.label("level", state.level))
    return card(
        texts("shared.overlaps", count=TOP),
        dmc.Text(texts("shared.overlaps_read"), size="sm", c="dimmed"),
        figure(drawn, "shared-upset", texts("shared.overlaps_alt"), name=f"{run.key}-overlaps"),
        _chance(run, state, texts),
    )


def _chance(run: RunData, state: State, texts: Texts) -> Any:
    table = run.table(
        "overlaps",
        method=state.method,
        part_kind="emotion" if state.emotion else "",
        part=state.emotion,
    )
    if table is None or table.empty:
        return None
    rows = table[table["k"] == TOP].drop_duplicates(["level", "lists"]).head(12)
    names = ("lists", "level", "observed", "expected", "p_value")
    head = html.Tr([html.Th(texts(f"shared.overlap.{name}"), scope="col") for name in names])
    body = [
        html.Tr(
            [
                html.Th(str(row["lists"]), scope="row"),
                html.Td(texts.label("level", str(row["level"]))),
                html.Td(texts.count(int(row["observed"])), className="number"),
                html.Td(texts.number(row["expected"], 2), className="number"),
                html.Td(
                    "< .0001" if row["p_value"] < 1e-4 else texts.number(row["p_value"], 4),
                    className="number",
                ),
            ]
        )
        for row in rows.to_dict("records")
    ]
    table_part = html.Table([html.Thead(head), html.Tbody(body)], className="plain-table")
    return html.Details(
        [html.Summary(texts("shared.chance")), dmc.Text(texts("shared.chance_read"), size="sm"), table_part]
    )


def _maps(run: RunData, state: State, texts: Texts) -> Any:
    """Return the heat maps: family by language, contour by functional."""
    columns = ["name", "part", "lift", "level", "in_words"]
    method = f"rankings/{state.method}"
    families = run.table(
        method, columns=columns, task=state.task, language_set=state.set, part_kind="language", level="family"
    )
    features = run.table(
        method,
        columns=["name", "lift", "importance", "size", "share"],
        task=state.task,
        language_set=state.set,
        part_kind="emotion" if state.emotion else "",
        part=state.emotion,
        level="feature",
    )
    parts = []
    if families is not None and len(families):
        drawn = heat_map.figure(heat_map.family_by_language(families))
        parts += [
            dmc.Text(texts("shared.families"), fw=600),
            figure(drawn, "shared-families", texts("shared.families_alt"), name=f"{run.key}-families"),
        ]
    if features is not None and len(features):
        feature_set = run.run.manifest.features.set
        names = features["name"]
        drawn = heat_map.figure(
            heat_map.contour_by_functional(features, feature_set),
            families=heat_map.contour_families(names, feature_set),
            words=heat_map.functional_words(names, feature_set),
        )
        parts += [
            dmc.Text(texts("shared.grid"), fw=600, mt="md"),
            figure(drawn, "shared-grid", texts("shared.grid_alt"), name=f"{run.key}-contours"),
        ]
    if not parts:
        return None
    read = dmc.Text(texts("shared.maps_read"), size="sm", c="dimmed")
    return card(texts("shared.maps"), read, *parts)
