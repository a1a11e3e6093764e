"""Trust: how far the ranking of a view can be believed, test by test, the verdict first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import Dash, html

from dashboard import trust
from dashboard.components import card, csv_link, empty, figure, help_mark, page_head, page_link, pill
from dashboard.components.clusters import clusters
from dashboard.data import Data, RunData
from dashboard.later import later
from dashboard.state import LEVELS, State
from dashboard.texts import Texts

if TYPE_CHECKING:
    import pandas as pd

NAME = "trust"
TITLE = "trust.title"
CONTROLS = ("set", "level", "method")
_PROBABILITY = "probability"
_PILL = {"good": "good", "caution": "caution", "bad": "bad", "open": "plain"}


def _csv(name: str) -> Any:
    def table(state: State, data: Data) -> pd.DataFrame:
        import pandas as pd

        run = data.run(state)
        found = getattr(trust, name)(run, state)
        return pd.DataFrame() if found is None else found

    return table


TABLES = {
    name: _csv(name)
    for name in (
        "verdicts",
        "stability",
        "faithfulness",
        "curves",
        "sanity",
        "planted",
        "confound",
        "agreement",
        "clusters",
    )
}


def layout(state: State, data: Data, texts: Texts) -> Any:
    """Return the page."""
    run = data.run(state)
    head = page_head(
        texts("trust.title"),
        texts("trust.lead"),
        page_link(texts("trust.to_ranking"), state, "shared", view="", search=""),
    )
    if not run.explained:
        why = run.problem or texts("trust.missing_why")
        return dmc.Stack([head, empty(texts("trust.missing"), why, f"msfl explain {run.run.path}")])
    parts = (_verdict, _stability, _faithfulness, _sanity, _planted, _confound, _agreement)
    return dmc.Stack([head, *(part(run, state, texts) for part in parts), *clusters(run, state, texts)])


def register(app: Dash, data: Data) -> None:
    """It has no callbacks: all that it shows follows from the address."""


def _verdict(run: RunData, state: State, texts: Texts) -> Any:
    """Return the verdict of this ranking with its reasons, and those of all methods and levels."""
    table = trust.verdicts(run, state)
    if table is None or table.empty:
        return _absent(run, "verdicts", "verdict", state, texts)
    of = texts(
        "trust.of",
        method=texts.label("method", state.method),
        level=texts.label("level", state.level),
        set=texts.label("set", state.set),
    )
    parts: list[Any] = [dmc.Text(of, size="sm", c="dimmed")]
    own = table[(table["method"] == state.method) & (table["level"] == state.level)]
    if len(own):
        reading = trust.READINGS.get(str(own["verdict"].iloc[0]), "open")
        reasons = trust.sentences(str(own["reasons"].iloc[0]))
        parts += [
            dmc.Group([_said("verdict", reading, texts)], mt="xs"),
            dmc.Text(texts(f"trust.verdict.means_{reading}"), mt="xs", maw=860),
            html.Ul([html.Li(sentence) for sentence in reasons], className="tight"),
        ]
    else:
        parts.append(dmc.Text(texts("trust.verdict.none"), mt="xs"))
    parts.append(html.Details([html.Summary(texts("trust.verdict.all")), _grid(table, state, texts)]))
    help = help_mark(texts, "trust.help.verdict")
    return card(texts("trust.verdict.title"), *parts, help=help, actions=csv_link(state, "verdicts", texts))


def _grid(table: pd.DataFrame, state: State, texts: Texts) -> Any:
    """Return the verdicts as a grid of methods by levels; every cell leads to its tests."""
    found = {(row["method"], row["level"]): str(row["verdict"]) for row in table.to_dict("records")}
    levels = [level for level in LEVELS if any(level == one for _, one in found)]
    body = []
    for method in dict.fromkeys(table["method"].astype(str)):
        cells: list[Any] = [html.Th(texts.label("method", method), scope="row")]
        for level in levels:
            reading = trust.READINGS.get(found.get((method, level), ""), "open")
            words = _said("verdict", reading, texts)
            cells.append(html.Td(page_link(words, state, method=method, level=level)))
        body.append(html.Tr(cells))
    return _table([texts("control.method"), *(texts.label("level", level) for level in levels)], body, texts)


def _stability(run: RunData, state: State, texts: Texts) -> Any:
    table = trust.stability(run, state)
    if table is None or table.empty:
        return _absent(run, "stability", "stability", state, texts)
    reading, value = trust.read_stability(table, state.method)
    return _section(
        "stability",
        reading,
        state,
        texts,
        dmc.Text(texts("trust.stability.read"), size="sm"),
        later(NAME, "stability", 60 + 30 * table["method"].nunique()),
        k=int(table["k"].iloc[0]),
        value=texts.number(value),
    )


def _stability_figure(state: State, data: Data, texts: Texts) -> Any:
    from analyses.figures import stability

    run = data.run(state)
    table = trust.stability(run, state)
    if table is None or table.empty:
        return []
    _, value = trust.read_stability(table, state.method)
    alt = texts("trust.stability.alt", k=int(table["k"].iloc[0]), value=texts.number(value))
    return figure(stability.figure(table), "trust-stability", alt, name=f"{run.key}-stability", texts=texts)


def _faithfulness(run: RunData, state: State, texts: Texts) -> Any:
    table, lines = trust.faithfulness(run, state), trust.curves(run, state)
    if table is None or table.empty:
        return _absent(run, "faithfulness", "faithfulness", state, texts)
    reading, p = trust.read_faithfulness(table)
    parts: list[Any] = []
    if lines is not None:
        probable = state.view == _PROBABILITY
        words = texts("trust.faithfulness.as_recall" if probable else "trust.faithfulness.as_probability")
        parts += [
            dmc.Text(texts("trust.faithfulness.read"), size="sm"),
            later(NAME, "curves", 380),
            page_link(words, state, view="" if probable else _PROBABILITY),
        ]
    numbers = html.Details([html.Summary(texts("trust.faithfulness.numbers")), _faithful_table(table, texts)])
    return _section("faithfulness", reading, state, texts, *parts, numbers, p=_p(p, texts))


def _curves_figure(state: State, data: Data, texts: Texts) -> Any:
    from analyses.figures import curves

    run = data.run(state)
    lines = trust.curves(run, state)
    if lines is None:
        return []
    drawn = curves.figure(lines, value=" probability" if state.view == _PROBABILITY else "")
    return figure(
        drawn, "trust-curves", texts("trust.faithfulness.alt"), name=f"{run.key}-curves", texts=texts
    )


def _faithful_table(table: pd.DataFrame, texts: Texts) -> Any:
    body = [
        html.Tr(
            [
                html.Th(texts(f"trust.test.{row['test']}"), scope="row"),
                html.Td(texts.number(row["value"], 3), className="number"),
                html.Td(
                    f"{texts.number(row['random_mean'], 3)} ± {texts.number(row['random_sd'], 3)}",
                    className="number",
                ),
                html.Td(texts(f"trust.better.{row['better']}")),
                html.Td(_p(row["p_value"], texts), className="number"),
            ]
        )
        for row in table.to_dict("records")
    ]
    names = ("test", "value", "random", "better", "p")
    return _table([texts(f"trust.column.{name}") for name in names], body, texts)


def _sanity(run: RunData, state: State, texts: Texts) -> Any:
    table = trust.sanity(run, state)
    if table is None or table.empty:
        return _absent(run, "sanity", "sanity", state, texts)
    reading, count = trust.read_sanity(table, state.method)
    body = []
    for row in table.to_dict("records"):
        passed = row["passed"]
        known: trust.Reading = "open" if passed is None or passed != passed else "good" if passed else "bad"
        body.append(
            html.Tr(
                [
                    html.Th(texts.label("method", row["method"]), scope="row"),
                    html.Td(texts(f"trust.randomised.{row['randomised']}")),
                    html.Td(texts.label("level", row["level"])),
                    html.Td(texts.number(row["value"]), className="number"),
                    html.Td(texts.number(row["reference"]), className="number"),
                    html.Td(pill(texts(f"trust.passed.{known}"), _PILL[known])),
                ]
            )
        )
    names = ("method", "randomised", "level", "agreement", "reference", "passed")
    shown = _table([texts(f"trust.column.{name}") for name in names], body, texts)
    return _section("sanity", reading, state, texts, shown, count=count)


def _planted(run: RunData, state: State, texts: Texts) -> Any:
    table = trust.planted(run, state)
    if table is None or table.empty:
        title = texts("trust.planted.title")
        return card(title, empty(texts("trust.planted.absent"), texts("trust.planted.absent_why")))
    k = int(table["k"].iloc[0])
    everywhere = (table["where"] == "all") & (table["ranking"] == "model")
    first = everywhere if everywhere.any() else table["method"] == state.method
    more = html.Details([html.Summary(texts("trust.planted.more")), _planted_table(table[~first], texts)])
    reading, share = trust.read_planted(table, state.method)
    percent = texts.number(100 * share, 0)
    return _section(
        "planted", reading, state, texts, _planted_table(table[first], texts), more, k=k, percent=percent
    )


def _planted_table(table: pd.DataFrame, texts: Texts) -> Any:
    body = [
        html.Tr(
            [
                html.Th(texts.label("method", row["method"]), scope="row"),
                html.Td(_where(str(row["where"]), str(row["ranking"]), texts)),
                html.Td(_percent(row["precision"], texts), className="number"),
                html.Td(_percent(row["chance"], texts), className="number"),
                html.Td(_p(row["p_value"], texts), className="number"),
                html.Td(texts.number(row["average_precision"]), className="number"),
                html.Td(texts.number(row["average_precision_chance"]), className="number"),
            ]
        )
        for row in table.to_dict("records")
    ]
    names = ("method", "where", "precision", "chance", "p", "average_precision", "chance")
    return _table([texts(f"trust.column.{name}") for name in names], body, texts, numbers=5)


def _where(where: str, ranking: str, texts: Texts) -> str:
    known = {"all": texts("trust.where.all"), "any": texts("trust.where.any")}
    place = known.get(where) or texts("trust.where.language", language=texts.label("language", where))
    return f"{place} · {texts('trust.where.aggregated')}" if ranking == "aggregated" else place


def _confound(run: RunData, state: State, texts: Texts) -> Any:
    title = texts("trust.confound.title")
    if len(run.run.manifest.language_sets.get(state.set, ())) < 2:
        return card(title, empty(texts("trust.confound.one"), texts("trust.confound.one_why")))
    table = trust.confound(run, state)
    if table is None or table.empty:
        return _absent(run, "confound", "confound", state, texts)
    reading, share = trust.read_confound(table)
    body = []
    for row in table.to_dict("records"):
        common = 2 * row["value"] / (1 + row["value"])
        chance = 2 * row["chance"] / (1 + row["chance"])
        body.append(
            html.Tr(
                [
                    html.Th(_key("against", str(row["against"]), texts), scope="row"),
                    html.Td(_key("normalisation", str(row["normalisation"]), texts)),
                    html.Td(_percent(common, texts), className="number"),
                    html.Td(_percent(chance, texts), className="number"),
                    html.Td(_p(row["p_value"], texts), className="number"),
                    html.Td(str(row["verdict"]), className="wide"),
                ]
            )
        )
    names = ("against", "normalisation", "common", "chance", "p", "in_words")
    shown = _table([texts(f"trust.column.{name}") for name in names], body, texts)
    return _section("confound", reading, state, texts, shown, percent=texts.number(100 * share, 0))


def _agreement(run: RunData, state: State, texts: Texts) -> Any:
    table = trust.agreement(run, state)
    if table is None or table.empty:
        return _absent(run, "agreement", "agreement", state, texts)
    return _section(
        "agreement",
        None,
        state,
        texts,
        later(NAME, "agreement", 380),
        page_link(texts("trust.agreement.to_compare"), state, "compare"),
    )


def _agreement_figure(state: State, data: Data, texts: Texts) -> Any:
    from analyses.figures import agreement

    run = data.run(state)
    table = trust.agreement(run, state)
    if table is None or table.empty:
        return []
    drawn = agreement.figure(table)
    return figure(
        drawn, "trust-agreement", texts("trust.agreement.alt"), name=f"{run.key}-agreement", texts=texts
    )


def _section(
    name: str, reading: trust.Reading | None, state: State, texts: Texts, *parts: Any, **values: object
) -> Any:
    """Return one test: how it went, what that means for the reader, then the figure or table."""
    said: list[Any] = []
    if reading is not None:
        said = [
            _said("went", reading, texts),
            dmc.Text(texts(f"trust.{name}.{reading}", **values), fw=600, maw=860),
        ]
    meaning = dmc.Text(texts(f"trust.{name}.means"), maw=860, my="xs")
    return card(
        texts(f"trust.{name}.title"),
        *([dmc.Group(said, gap="sm", wrap="nowrap", align="flex-start")] if said else []),
        meaning,
        *parts,
        help=help_mark(texts, f"trust.help.{name}"),
        actions=csv_link(state, name, texts),
        id=f"trust-{name}-section",
    )


def _absent(run: RunData, table: str, name: str, state: State, texts: Texts) -> Any:
    """Return a section that was not computed: why, and how it is."""
    if run.has(table):
        why = texts("trust.not_here", method=texts.label("method", state.method))
        return card(texts(f"trust.{name}.title"), empty(texts("trust.not_tested"), why))
    why = run.why_missing(table) or texts("trust.missing_why")
    return card(
        texts(f"trust.{name}.title"), empty(texts("trust.not_tested"), why, f"msfl explain {run.run.path}")
    )


def _said(group: str, reading: trust.Reading, texts: Texts) -> Any:
    return pill(texts(f"trust.{group}.{reading}"), _PILL[reading])


def _key(group: str, value: str, texts: Texts) -> str:
    key = f"trust.{group}.{value.replace(' ', '_')}"
    said = texts(key)
    return value if said == key else said


def _percent(share: float, texts: Texts) -> str:
    return "–" if share != share else f"{texts.number(100 * share, 0)} %"


def _p(value: float, texts: Texts) -> str:
    return f"< {texts.number(0.001, 3)}" if value < 0.001 else texts.number(value, 3)


def _table(head: Sequence[str], body: list[Any], texts: Texts, numbers: int = 0) -> Any:
    """Return a table; the last `numbers` columns are numbers."""
    text = len(head) - numbers
    kinds = [""] * text + ["number"] * numbers
    cells = zip(head, kinds, strict=True)
    top = html.Tr([html.Th(words, scope="col", className=kind) for words, kind in cells])
    table = html.Table([html.Thead(top), html.Tbody(body)], className="plain-table")
    label = {"aria-label": texts("trust.table")}
    return html.Div(table, className="scroll", tabIndex="0", role="region", **label)


PARTS = {"stability": _stability_figure, "curves": _curves_figure, "agreement": _agreement_figure}
