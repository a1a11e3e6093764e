"""Shared features: one ranking in words, how sure it is, and what the languages have in common."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, html, no_update
from dash import State as Held

from dashboard.components import card, csv_link, empty, figure, help_mark, page_head, page_link, pill
from dashboard.components.listen import listen
from dashboard.data import Data, RunData
from dashboard.later import later
from dashboard.shared_features import (
    DEFINITIONS,
    TOP,
    found_by,
    marks,
    monolingual,
    ranking,
    side_by_side,
    verdict,
)
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
    parts += [_verdict(run, state, texts)]
    parts += [later(NAME, "listen", 300)] if state.level == "feature" and not state.search else []
    parts += [_list(run, table, state, texts)]
    several = len({*monolingual(run), state.set}) > 1
    parts += [later(NAME, "moves", 560), later(NAME, "overlaps", 460)] if several else []
    return dmc.Stack([*parts, _maps(run, state, texts)])


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
    low, high = row["min_rank"], row["max_rank"]  # a consensus has no spread where its repeats are not known
    where = f"{texts.count(int(low))}–{texts.count(int(high))}" if low == low and high == high else ""
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


def _listen(state: State, data: Data, texts: Texts) -> Any:
    """Return the first feature that languages share, to be heard in each of them."""
    run = data.run(state)
    table = ranking(run, state)
    names = [] if table is None else [name for name in table["name"].astype(str) if name in run.feature_set]
    if not names:
        return []
    shared = marks(run, state)
    order = [shared[key] for key in DEFINITIONS if key in shared]
    first = next((name for found in order for name in names if name in found), "")
    here = replace(state, feature=first or names[0], view="")
    words = run.words(here.feature).description
    return card(
        texts("shared.listen" if first else "shared.listen_leading"),
        dmc.Text(page_link(words[:1].upper() + words[1:], here, "feature"), mb="xs"),
        listen(run, here, data, texts),
        help=help_mark(texts, "shared.help.listen"),
    )


def _moves(state: State, data: Data, texts: Texts) -> Any:
    from analyses.figures import bump

    run = data.run(state)
    stacked = side_by_side(run, state)
    if stacked is None or len(stacked.lists) < 2:
        return []
    top = min(TOP, max(1, stacked.items // 2)) if state.level != "family" else TOP
    titles = [texts.label("set", name) for name in stacked.lists]
    drawn = bump.spec(stacked.table, stacked.lists, top=top, titles=titles)
    alt = texts("shared.moves_alt", count=len(stacked.lists))
    return card(
        texts("shared.moves"),
        dmc.Text(texts("shared.moves_read"), size="sm", c="dimmed"),
        figure(drawn, "shared-bump", alt, name=f"{run.key}-ranks", texts=texts),
    )


def _overlaps(state: State, data: Data, texts: Texts) -> Any:
    """Return what the top lists have in common, beside chance."""
    from analyses.figures import upset

    run = data.run(state)
    stacked = side_by_side(run, state)
    if stacked is None or len(stacked.lists) < 2 or state.level == "family":
        return []
    top = stacked.table[stacked.table["rank"] <= TOP]
    lists = {
        texts.label("set", str(name)): list(map(str, rows.sort_values("rank")["name"]))
        for name, rows in top.groupby("language_set", sort=False)
    }
    words = dict(zip(top["name"].astype(str), top["in_words"].astype(str), strict=True))
    drawn = upset.figure(lists, words=words, items=stacked.items, what=texts.label("level", state.level))
    return card(
        texts("shared.overlaps", count=TOP),
        dmc.Text(texts("shared.overlaps_read"), size="sm", c="dimmed"),
        figure(drawn, "shared-upset", texts("shared.overlaps_alt"), name=f"{run.key}-overlaps", texts=texts),
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
    """Return the place of the heat maps: family by language, contour by functional."""
    read = dmc.Text(texts("shared.maps_read"), size="sm", c="dimmed")
    return card(texts("shared.maps"), read, later(NAME, "families", 340), later(NAME, "grid", 900))


def _families(state: State, data: Data, texts: Texts) -> Any:
    from analyses.figures import heat_map

    run = data.run(state)
    table = run.table(
        f"rankings/{state.method}",
        columns=["name", "part", "lift"],
        task=state.task,
        language_set=state.set,
        part_kind="language",
        level="family",
    )
    if table is None or table.empty:
        return dmc.Text(texts("shared.no_families"), size="sm", c="dimmed", mt="xs")
    drawn = heat_map.figure(heat_map.family_by_language(table))
    return [
        dmc.Text(texts("shared.families"), fw=600),
        figure(
            drawn, "shared-families", texts("shared.families_alt"), name=f"{run.key}-families", texts=texts
        ),
    ]


def _grid(state: State, data: Data, texts: Texts) -> Any:
    from analyses.figures import heat_map

    run = data.run(state)
    table = run.table(
        f"rankings/{state.method}",
        columns=["name", "lift", "share"],
        task=state.task,
        language_set=state.set,
        part_kind="emotion" if state.emotion else "",
        part=state.emotion,
        level="feature",
    )
    if table is None or table.empty:
        return dmc.Text(texts("shared.no_grid"), size="sm", c="dimmed", mt="xs")
    families, words = _contours(run)
    shares = table.assign(
        importance=table["lift"] * table["share"]
    )  # of one size, whatever the method counts
    lifts = heat_map.contour_by_functional(shares, run.run.manifest.features.set)
    drawn = heat_map.figure(lifts, families=families, words=words)
    return [
        dmc.Text(texts("shared.grid"), fw=600, mt="md"),
        figure(drawn, "shared-grid", texts("shared.grid_alt"), name=f"{run.key}-contours", texts=texts),
    ]


@lru_cache(maxsize=8)
def _contours(run: RunData) -> tuple[dict[str, str], dict[str, str]]:
    """Return the families of the contours of a run, and contours and functionals in words."""
    import pandas as pd

    from analyses.figures import heat_map

    names, feature_set = pd.Series(run.feature_names), run.run.manifest.features.set
    return heat_map.contour_families(names, feature_set), heat_map.functional_words(names, feature_set)


PARTS = {"listen": _listen, "moves": _moves, "overlaps": _overlaps, "families": _families, "grid": _grid}
