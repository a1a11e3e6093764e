"""Overview: what the run is, and how well its models do."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash

from dashboard.components import page_head
from dashboard.data import Data
from dashboard.state import State
from dashboard.texts import Texts

NAME = "overview"
TITLE = "overview.title"


def layout(state: State, data: Data, texts: Texts) -> Any:
    """Return the page."""
    run = data.run(state)
    return dmc.Stack([page_head(run.name, run.run.title())])


def register(app: Dash, data: Data) -> None:
    """It has no callbacks: its state is in the address."""
