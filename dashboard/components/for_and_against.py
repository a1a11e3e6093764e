"""The features that speak for and against a prediction: families first, unfolding to contours and features."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.attributions import Explained, explained
from dashboard.components import empty, figure, page_link
from dashboard.components.waterfall import DEEPER, Step, steps, waterfall, weights
from dashboard.data import RunData
from dashboard.outcomes import outcomes
from dashboard.state import State
from dashboard.texts import Texts

NOTICED = 0.005
"""Half a point: what attributions miss of the prediction is shown from here on."""
Path = tuple[tuple[str, str], ...]
"""What was unfolded: level and name, from the outside inwards; empty at the families."""


def reasons(run: RunData, state: State, method: str, of_class: str, path: Path, texts: Texts) -> Any:
    """Return the waterfall at a path, and its steps as a table whose rows unfold.

    Args:
        run: The run.
        state: The view; `state.utterance` is explained.
        method: One of `dashboard.attributions.methods_of`.
        of_class: The class to explain.
        path: What was unfolded.
        texts: The texts.
    """
    found = explained(
        run,
        state.utterance,
        method,
        language_set=state.set,
        model=state.model,
        task=state.task,
        of_class=of_class,
    )
    if found is None:
        return empty(texts("utterance.not_explained"), texts("utterance.not_explained_why"))
    within = path[-1] if path else ("", "")
    level = DEEPER[within[0]]
    made = steps(run, found, level, within, texts)
    if not made:
        return empty(texts("utterance.not_explained"), texts("utterance.not_explained_why"))
    name = texts.label(state.task, found.of_class)
    if found.signed:
        made += [] if path else _unexplained(run, state, found, texts)
        start, end = _ends(run, state, found, made, whole=not path)
        title = texts("utterance.points" if found.in_probability else "utterance.margin", name=name)
        drawn = waterfall(made, start, end, title, texts, scale=_scale(found))
        alt = texts("utterance.reasons_alt", name=name)
    else:
        drawn, alt = weights(made, texts), texts("utterance.weights_alt")
    return [
        _trail(path, texts),
        figure(drawn, "utterance-waterfall", alt, name=f"{state.utterance}-{method}"),
        _table(made, found, level, state, texts),
    ]


def _ends(
    run: RunData, state: State, found: Explained, made: list[Step], *, whole: bool
) -> tuple[float, float]:
    """Return where a waterfall starts and ends.

    As a whole it ends at the probability of the class. Unfolded, it shows a part: it starts at zero.
    """
    total = sum(step.value for step in made)
    if not whole:
        return 0.0, total
    if found.base == found.base:
        return found.base, found.base + total
    chance = _chance(run, state, found)
    return (0.0, total) if chance is None else (chance - total, chance)


def _chance(run: RunData, state: State, found: Explained) -> float | None:
    """Return the probability that the model gave the explained class."""
    table = outcomes(run, state.set, state.model, state.task)
    if not found.in_probability or table is None or found.of_class not in table:
        return None
    return float(str(table.at[state.utterance, found.of_class])) if state.utterance in table.index else None


def _unexplained(run: RunData, state: State, found: Explained, texts: Texts) -> list[Step]:
    """Return the step that estimated attributions leave open; none where they add up to the prediction."""
    chance = _chance(run, state, found)
    if chance is None or found.base != found.base:
        return []
    gap = chance - found.base - float(found.values.sum())
    return [Step("", texts("utterance.unexplained"), gap, 0.0, 0)] if abs(gap) >= NOTICED else []


def _scale(found: Explained) -> float:
    return 100.0 if found.in_probability else 1.0


def _trail(path: Path, texts: Texts) -> Any:
    """Return the way back: all families, the family, the contour."""
    places: list[tuple[str, str, str]] = [("", "", texts("utterance.families"))]
    for level, name in path:
        places.append((level, name, texts.label("family", name) if level == "family" else name))
    parts: list[Any] = []
    for level, name, words in places[:-1]:
        parts += [_button(level, name, words), html.Span("›", **{"aria-hidden": "true"})]
    parts.append(html.Strong(places[-1][2]))
    return html.Nav(parts, className="trail", **{"aria-label": texts("utterance.trail")})


def _button(level: str, name: str, words: str) -> Any:
    return html.Button(
        words, id={"type": "utterance-step", "level": level, "name": name}, type="button", className="as-link"
    )


def _table(made: list[Step], found: Explained, level: str, state: State, texts: Texts) -> Any:
    column = "utterance.column.points" if found.signed else "utterance.column.weight"
    head = html.Tr(
        [
            html.Th(texts.label("level", level), scope="col"),
            html.Th(texts("utterance.column.features"), scope="col", className="number"),
            html.Th(texts(column), scope="col", className="number"),
        ]
    )
    rows = [
        html.Tr(
            [
                html.Th(_name(step, level, state, texts), scope="row"),
                html.Td(texts.count(step.count), className="number"),
                html.Td(_number(step, found, texts), className="number"),
            ]
        )
        for step in made
    ]
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="plain-table reasons")
    return html.Details(
        [html.Summary(texts("utterance.table")), html.Div(table, className="scroll")], open=True
    )


def _name(step: Step, level: str, state: State, texts: Texts) -> Any:
    if not step.name:
        return step.label
    if level == "feature":
        return page_link(step.label, state, "feature", feature=step.name, view="")
    return _button(level, step.name, f"{step.label} ▸")


def _number(step: Step, found: Explained, texts: Texts) -> Any:
    if not found.signed:
        lift = step.value / step.share if step.share else 0.0
        return f"{texts.number(lift, 2)} ×"
    said = ("+" if step.value > 0 else "") + texts.number(_scale(found) * step.value, 2)
    way = "utterance.for" if step.value > 0 else "utterance.against"
    return [html.Strong(said), dmc.Text(f" {texts(way)}", span=True, size="xs", c="dimmed")]
