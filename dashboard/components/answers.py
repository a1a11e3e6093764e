"""What the models say about new recordings: a card each, with its player, its probabilities, and its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.components.blocks import card, failed, help_mark
from dashboard.components.links import page_link
from dashboard.data import Data, RunData
from dashboard.state import State
from dashboard.texts import Texts
from dashboard.worker import Answer, Part, Result

_SHOWN = 6


def answers(result: Result, token: str, state: State, data: Data, texts: Texts) -> Any:
    """Return one card per recording, and under them how the answer came about."""
    run = data.run(state)
    cards = [
        _card(answer, number, token, result, run, state, texts)
        for number, answer in enumerate(result.answers)
    ]
    notes = []
    if result.members:
        notes.append(texts("try_it.averaged", count=result.members, normalisation=result.normalisation))
    if result.method:
        notes.append(texts(f"try_it.explained_{result.unit}", method=texts.label("method", result.method)))
    if run.run.manifest.data.synthetic:
        notes.append(texts("try_it.synthetic"))
    return dmc.Stack([*cards, *[dmc.Text(note, size="sm", c="dimmed", maw=900) for note in notes]])


def _card(
    answer: Answer, number: int, token: str, result: Result, run: RunData, state: State, texts: Texts
) -> Any:
    player = html.Audio(
        src=f"/try_it/recording/{token}/{number}",
        controls=True,
        preload="metadata",
        **{"aria-label": texts("try_it.play", name=answer.name)},
    )
    if answer.problem:
        return card(answer.name, failed(texts, answer.problem))
    columns = [_probabilities(task, classes, texts) for task, classes in answer.probabilities.items()]
    main = next(iter(answer.probabilities), "")
    best = max(answer.probabilities[main], key=answer.probabilities[main].__getitem__) if main else ""
    if answer.families:
        label = texts.label(main, best)
        help = help_mark(texts, f"try_it.help.{result.unit}", emotion=label)
        columns.append(
            _part(
                texts("try_it.families", emotion=label),
                _signed([(texts.label("family", one.name), one.value) for one in answer.families], texts),
                help,
            )
        )
        columns.append(
            _part(
                texts("try_it.features", emotion=label),
                _features(answer.features, run, state, texts, signed=True),
                wide=True,
            )
        )
    if answer.attention:
        columns.append(
            _part(
                texts("try_it.attention"),
                _features(answer.attention, run, state, texts, signed=False),
                help_mark(texts, "try_it.help.attention"),
                wide=True,
            )
        )
    return card(
        answer.name, html.Div(columns, className="answer"), actions=player, id=f"try-it-answer-{number}"
    )


def _part(title: str, body: Any, help: Any = None, *, wide: bool = False) -> Any:
    head = dmc.Group([dmc.Text(title, fw=600, size="sm"), *([help] if help is not None else [])], gap=6, mb=4)
    return html.Div([head, body], className="answer-wide" if wide else "")


def _probabilities(task: str, classes: dict[str, float], texts: Texts) -> Any:
    ordered = sorted(classes.items(), key=lambda item: -item[1])
    rows = [
        html.Tr(
            [
                html.Th(texts.label(task, name), scope="row"),
                html.Td(_bar(value), className="bar-cell"),
                html.Td(f"{100 * value:.0f} %", className="number"),
            ],
            className="best" if place == 0 else "",
        )
        for place, (name, value) in enumerate(ordered[:_SHOWN])
    ]
    return _part(
        texts("try_it.probability", task=texts.label("task", task)),
        html.Table(html.Tbody(rows), className="bars"),
    )


def _bar(value: float) -> Any:
    return html.Div(
        html.Div(style={"width": f"{100 * min(1.0, max(0.0, value)):.1f}%"}, className="bar-fill"),
        className="bar-track",
        **{"aria-hidden": "true"},
    )


def _signed(parts: Sequence[tuple[Any, float]], texts: Texts) -> Any:
    """Return bars to the left (against) and to the right (for) of a middle line, with a sign and a number each."""
    largest = max((abs(value) for _, value in parts), default=0.0) or 1.0
    digits = 3 if largest < 0.1 else 2
    rows = []
    for name, value in parts:
        width = f"{50 * abs(value) / largest:.1f}%"
        side = {"left": "50%"} if value >= 0 else {"right": "50%"}
        fill = html.Div(
            style={"width": width, **side},
            className="signed-fill signed-for" if value >= 0 else "signed-fill",
        )
        sign = "+" if value >= 0 else ""
        rows.append(
            html.Tr(
                [
                    html.Th(name, scope="row"),
                    html.Td(
                        html.Div(fill, className="signed-track", **{"aria-hidden": "true"}),
                        className="bar-cell",
                    ),
                    html.Td(sign + texts.number(value, digits), className="number"),
                ]
            )
        )
    return html.Table(html.Tbody(rows), className="bars")


def _features(parts: Sequence[Part], run: RunData, state: State, texts: Texts, *, signed: bool) -> Any:
    rows = [
        (page_link(run.words(one.name).description, state, "feature", feature=one.name), one.value)
        for one in parts[:_SHOWN]
    ]
    if signed:
        return _signed(rows, texts)
    items = [
        html.Tr([html.Th(words, scope="row"), html.Td(f"{100 * value:.2f} %", className="number")])
        for words, value in rows
    ]
    return html.Table(html.Tbody(items), className="bars")
