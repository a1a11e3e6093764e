"""One feature to be heard at once: for each language an utterance where it is low, and one where it is high."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.components import page_link
from dashboard.components.example_list import known_facts, numbers_of
from dashboard.components.player import player
from dashboard.data import Data, RunData
from dashboard.examples import choose
from dashboard.state import State
from dashboard.texts import Texts

ENDS = ("low", "high")
MOST = 6
"""Languages; the page of the feature has the others."""


def listen(run: RunData, state: State, data: Data, texts: Texts) -> Any:
    """Return players for ``state.feature``: a row for each language of the view, a column for each end."""
    values = run.feature(state.feature).dropna()
    facts = known_facts(run)
    values = values[values.index.isin(facts.keys())]
    spoken = [facts[name].language for name in values.index]
    languages = run.run.manifest.language_sets.get(state.set, ()) or run.choices.languages
    rows = []
    for language in languages[:MOST]:
        chosen = choose(values[[one == language for one in spoken]], facts, 1)
        cells = [html.Td(_example(run, state, chosen[end], data, texts)) for end in ENDS]
        rows.append(html.Tr([html.Th(texts.label("language", language), scope="row"), *cells]))
    head = [html.Th(), *(html.Th(texts(f"feature.end.{end}"), scope="col") for end in ENDS)]
    table = html.Table([html.Thead(html.Tr(head)), html.Tbody(rows)], className="plain-table listen")
    return html.Div(table, className="scroll")


def _example(run: RunData, state: State, chosen: list[str], data: Data, texts: Texts) -> Any:
    if not chosen:
        return "–"
    name = chosen[0]
    facts = known_facts(run)[name]
    emotion = texts.label("emotion", facts.emotion) if facts.emotion else texts("feature.no_emotion")
    words = " · ".join([emotion, facts.speaker.rpartition("/")[2]])
    said = [page_link(words, state, "utterance", utterance=name, view=""), " "]
    return [
        player(run, name, data, texts),
        dmc.Text([*said, html.Span(numbers_of(run, state, name, texts), className="quiet")], size="sm"),
    ]
