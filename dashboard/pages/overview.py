"""Overview: what the run is, how well its models do, and what a reviewer would ask about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import Dash, html

from dashboard import overview_figures as figures
from dashboard.components import card, csv_link, empty, figure, help_mark, page_head, page_link, pill, tile
from dashboard.data import Data, RunData
from dashboard.later import later
from dashboard.overview import overview_of
from dashboard.state import State
from dashboard.texts import Texts

if TYPE_CHECKING:
    import pandas as pd

NAME = "overview"
TITLE = "overview.title"
CONTROLS = ("task", "set", "model")


def layout(state: State, data: Data, texts: Texts) -> Any:
    """Return the page."""
    run = data.run(state)
    parts = [page_head(texts("overview.of", name=run.name), texts("overview.lead"))]
    parts += _refused(data, texts)
    parts += [_tiles(run, texts), _warnings(run, texts), _next(run, state, texts)]
    parts += [
        later(NAME, name, height)
        for name, height in (("scores", 420), ("gains", 340), ("confusions", 420), ("weights", 340))
        if name != "gains" or _has_twins(run)
    ]
    parts += [_corpora(run, state, data, texts), _details(run, texts)]
    return dmc.Stack([part for part in parts if part is not None])


def register(app: Dash, data: Data) -> None:
    """It has no callbacks: all that it shows follows from the address."""


def _refused(data: Data, texts: Texts) -> list[Any]:
    return [
        dmc.Alert(sentence, title=texts("overview.refused", folder=folder), color="red", variant="light")
        for folder, sentence in data.refused.items()
    ]


def _tiles(run: RunData, texts: Texts) -> Any:
    table = run.utterances
    manifest = run.run.manifest
    shown = [
        ("utterances", texts.count(len(table))),
        ("speakers", texts.count(int(table["speaker"].nunique()))),
        ("languages", texts.count(len(run.choices.languages))),
        ("corpora", texts.count(int(table["corpus"].nunique()))),
        ("emotions", texts.count(len(run.choices.emotions))),
        ("features", texts.count(manifest.features.count)),
    ]
    notes = {"features": manifest.features.set}
    return dmc.SimpleGrid(
        [tile(texts(f"overview.{key}"), value, notes.get(key, "")) for key, value in shown],
        cols={"base": 2, "sm": 3, "lg": 6},
    )


def _warnings(run: RunData, texts: Texts) -> Any:
    found = list(run.run.manifest.warnings)
    if run.scores is None:
        found.insert(0, texts("overview.incomplete"))
    if not found:
        return dmc.Group(
            [pill(texts("overview.no_warnings"), "good"), help_mark(texts, "overview.help.warnings")]
        )
    return dmc.Alert(
        html.Ul([html.Li(sentence) for sentence in found], className="tight"),
        title=texts("overview.warnings"),
        color="yellow",
        variant="light",
    )


def _next(run: RunData, state: State, texts: Texts) -> Any:
    """Return where to go from here: the ranking, or how to compute it."""
    if not run.explained:
        return empty(texts("overview.unexplained"), texts("overview.explain"), f"msfl explain {run.run.path}")
    return dmc.Group(
        [
            page_link(texts("overview.to_shared"), state, "shared"),
            page_link(texts("overview.to_trust"), state, "trust"),
        ]
    )


def _scores(state: State, data: Data, texts: Texts) -> Any:
    from msfl.results import baselines

    run = data.run(state)
    title, help = texts("overview.scores"), help_mark(texts, "overview.help.scores")
    overview = overview_of(run, data)
    comparison, overall = overview.comparison(state.task), overview.overall(state.task)
    if comparison is None or overall.empty:
        return card(title, empty(texts("overview.no_scores"), texts("overview.no_scores_why")), help=help)
    classes = run.run.utterances[_column(state.task)].dropna().nunique()
    chance = 1 / classes if classes else None
    drawn = figures.scores(overall, baselines(run.run), chance, texts)
    best = overall.sort_values("uar").iloc[-1]
    alt = texts("overview.scores_alt", count=len(overall), best=f"{best['model']} ({best['language_set']})")
    return card(
        title,
        dmc.Text(run.run.title(), size="sm", c="dimmed"),
        figure(drawn, "overview-scores", alt, name=f"{run.key}-scores"),
        html.Details([html.Summary(texts("overview.numbers")), _score_table(comparison, texts)]),
        help=help,
        actions=csv_link(state, "scores", texts),
    )


def _score_table(comparison: Any, texts: Texts) -> Any:
    head = [texts("control.set"), texts("control.model"), *comparison.columns]
    body = []
    for row in comparison.rows:
        cells = [html.Td(texts.label("set", row.language_set)), html.Td(row.model)]
        for column in comparison.columns:
            score = row.scores.get(column)
            said = (
                "–"
                if score is None
                else f"{100 * score.value:.1f} [{100 * score.low:.1f}, {100 * score.high:.1f}]"
            )
            cells.append(html.Td(said, className="number"))
        body.append(html.Tr(cells))
    return _table(head, body, numbers=range(2, len(head)))


def _has_twins(run: RunData) -> bool:
    """Whether a system of the run stands beside its twin."""
    from msfl.models.registry import twin_of

    models = run.run.experiment.training.models
    return any(twin_of(name) in models for name in models)


def _gains(state: State, data: Data, texts: Texts) -> Any:
    from analyses.figures import gains as plot

    title, help = texts("overview.gains"), help_mark(texts, "overview.help.gains")
    found = overview_of(data.run(state), data).gains(state.task)
    if found.empty:
        return card(title, dmc.Text(texts("overview.no_gains"), c="dimmed", size="sm"), help=help)
    rows = found.groupby(["language_set", "model"], sort=False).tail(
        1
    )  # the mean over corpora, or the only one
    if rows["language_set"].nunique() > 1:
        sets = rows["language_set"].map(lambda name: texts.label("set", name))
        rows = rows.assign(model=sets + " · " + rows["model"])
    drawn = plot.figure(rows, axis=texts("overview.gained"))
    alt = texts("overview.gains_alt", count=len(rows))
    return card(
        title,
        dmc.Text(texts("overview.gains_of"), size="sm", c="dimmed"),
        figure(drawn, "overview-gains", alt, name=f"{data.run(state).key}-gains"),
        help=help,
        actions=csv_link(state, "gains", texts),
    )


def _confusions(state: State, data: Data, texts: Texts) -> Any:
    run = data.run(state)
    title, help = texts("overview.confusions"), help_mark(texts, "overview.help.confusions")
    tables = overview_of(run, data).confusions(state.task, state.set, state.model)
    if not tables:
        return card(
            title, empty(texts("overview.no_predictions"), texts("overview.no_predictions_why")), help=help
        )
    lead = texts("overview.confusions_of", model=state.model, set=texts.label("set", state.set))
    drawn = figures.confusions(tables, state.task, texts)
    alt = texts("overview.confusions_alt", languages=", ".join(tables))
    return card(
        title,
        dmc.Text(lead, size="sm", c="dimmed"),
        figure(drawn, "overview-confusions", alt, name=f"{run.key}-confusions"),
        help=help,
        actions=csv_link(state, "confusions", texts),
    )


def _weights(state: State, data: Data, texts: Texts) -> Any:
    run = data.run(state)
    title, help = texts("overview.weights"), help_mark(texts, "overview.help.weights")
    table = overview_of(run, data).weights(state.set, state.model)
    if table.empty:
        sentence = texts("overview.no_weights", model=state.model, set=texts.label("set", state.set))
        return card(title, dmc.Text(sentence, c="dimmed", size="sm"), help=help)
    drawn = figures.weights(table, texts)
    return card(
        title,
        figure(drawn, "overview-weights", texts("overview.weights_alt"), name=f"{run.key}-weights"),
        help=help,
        actions=csv_link(state, "weights", texts),
    )


def _corpora(run: RunData, state: State, data: Data, texts: Texts) -> Any:
    table = overview_of(run, data).corpora()
    head = [texts(f"overview.{name}") for name in ("corpus", "language", "utterances", "speakers", "minutes")]
    head += [texts("overview.emotions"), texts("overview.naturalness")]
    body = [
        html.Tr(
            [
                html.Td(row["corpus"]),
                html.Td(texts.label("language", row["language"])),
                html.Td(texts.count(row["utterances"]), className="number"),
                html.Td(texts.count(row["speakers"]), className="number"),
                html.Td(texts.number(row["minutes"], 1), className="number"),
                html.Td(", ".join(texts.label("emotion", name) for name in row["emotions"].split(", "))),
                html.Td(texts.label("naturalness", row["naturalness"])),
            ]
        )
        for row in table.to_dict("records")
    ]
    return card(
        texts("overview.corpora_title"),
        _table(head, body, numbers=(2, 3, 4)),
        actions=csv_link(state, "corpora", texts),
    )


def _details(run: RunData, texts: Texts) -> Any:
    manifest = run.run.manifest
    training = run.run.experiment.training
    sets = "; ".join(f"{name} ({', '.join(languages)})" for name, languages in manifest.language_sets.items())
    failed = [job for job in run.run.jobs if job.status == "failed"]
    rows = {
        "protocol": manifest.protocol.title,
        "normalisation": manifest.normalisation,
        "sets": sets,
        "models": ", ".join(training.models),
        "folds": f"{len(manifest.folds)} × {len(training.seeds)}",
        "failed": texts.count(len(failed)) if failed else "0",
        "created": manifest.created.replace("T", " ")[:16],
        "versions": ", ".join(f"{name} {number}" for name, number in manifest.versions.items()),
    }
    body = [
        html.Tr([html.Th(texts(f"overview.detail.{key}"), scope="row"), html.Td(value)])
        for key, value in rows.items()
    ]
    return card(texts("overview.details"), html.Table(html.Tbody(body), className="plain-table"))


def _table(head: list[str], body: list[Any], numbers: Any = ()) -> Any:
    cells = [
        html.Th(name, scope="col", className="number" if place in numbers else "")
        for place, name in enumerate(head)
    ]
    table = html.Table([html.Thead(html.Tr(cells)), html.Tbody(body)], className="plain-table")
    return html.Div(table, className="scroll", tabIndex="0")


def _column(task: str) -> str:
    from msfl.tasks import COLUMNS

    return COLUMNS[task]


def _scores_csv(state: State, data: Data) -> pd.DataFrame:
    import pandas as pd

    comparison = overview_of(data.run(state), data).comparison(state.task)
    return pd.DataFrame(comparison.records() if comparison is not None else [])


def _gains_csv(state: State, data: Data) -> pd.DataFrame:
    return overview_of(data.run(state), data).gains(state.task)


def _confusions_csv(state: State, data: Data) -> pd.DataFrame:
    import pandas as pd

    tables = overview_of(data.run(state), data).confusions(state.task, state.set, state.model)
    pieces = [
        counts.rename_axis(index="truth")
        .reset_index()
        .melt("truth", var_name="predicted", value_name="count")
        .assign(language=name)
        for name, counts in tables.items()
    ]
    return pd.concat(pieces) if pieces else pd.DataFrame()


def _weights_csv(state: State, data: Data) -> pd.DataFrame:
    return overview_of(data.run(state), data).weights(state.set, state.model)


def _corpora_csv(state: State, data: Data) -> pd.DataFrame:
    return overview_of(data.run(state), data).corpora()


TABLES = {
    "scores": _scores_csv,
    "gains": _gains_csv,
    "confusions": _confusions_csv,
    "weights": _weights_csv,
    "corpora": _corpora_csv,
}
PARTS = {"scores": _scores, "gains": _gains, "confusions": _confusions, "weights": _weights}
