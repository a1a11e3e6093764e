"""A Plotly figure in a page: transparent, with its words for readers who do not see it, and downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import dcc, html

from dashboard.components.wording import translate

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from dashboard.texts import Texts

_BUTTONS = ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"]


def figure(
    drawn: go.Figure | dict[str, Any],
    id: Any,
    alt: str,
    *,
    height: int | None = None,
    name: str = "msfl",
    texts: Texts | None = None,
) -> Any:
    """Return a figure.

    Args:
        drawn: The figure; its background becomes transparent, so that it stands in a light and in a dark page. A
            dictionary with ``data`` and ``layout`` (and its height) is as good, and ready ten times sooner.
        id: Id of the ``dcc.Graph``.
        alt: What it shows, in a sentence: screen readers read it.
        height: Pixels; by default that of the figure.
        name: Name of the file when it is downloaded.
        texts: For a figure that speaks English: the language into which its fixed words are put.
    """
    if not isinstance(drawn, dict):
        drawn = drawn.to_plotly_json()
    if texts is not None:
        translate(drawn, texts)
    layout = drawn["layout"]
    layout.update({"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"})
    if height is not None:
        layout["height"] = height
    graph = dcc.Graph(
        id=id,
        figure=drawn,
        responsive=True,
        style={"height": f"{layout.get('height') or 360}px"},
        config={
            "displaylogo": False,
            "displayModeBar": "hover",
            "modeBarButtonsToRemove": _BUTTONS,
            "toImageButtonOptions": {"format": "svg", "filename": name},
            "showTips": False,
        },
    )
    height = layout.get("height") or 360
    return html.Div(
        graph, role="group", className="figure", style={"minHeight": f"{height}px"}, **{"aria-label": alt}
    )
