"""Cards, headings, help, and the states in which there is nothing to show."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.texts import Texts


def page_head(title: str, lead: str = "", *right: Any) -> Any:
    """Return the heading of a page (its only ``h1``), a sentence under it, and actions at its right."""
    words = [dmc.Title(title, order=1, size="h2")]
    if lead:
        words.append(dmc.Text(lead, c="dimmed", maw=760))
    return dmc.Group(
        [dmc.Stack(words, gap=4), dmc.Group(list(right), gap="xs")],
        justify="space-between",
        align="flex-end",
        className="page-head",
    )


def help_mark(texts: Texts, key: str, **values: object) -> Any:
    """Return a question mark that explains on hover, on focus and on touch."""
    words = texts(key, **values)
    return dmc.Tooltip(
        html.Button("?", className="help-mark", type="button", **{"aria-label": words}),
        label=words,
        multiline=True,
        w=320,
        withArrow=True,
        events={"hover": True, "focus": True, "touch": True},
        position="bottom",
    )


def card(title: str, *children: Any, help: Any = None, actions: Any = None, id: str | None = None) -> Any:
    """Return a section with a heading (``h2``), help beside it and actions at its right."""
    left = [dmc.Title(title, order=2, size="h4"), *([help] if help is not None else [])]
    head = dmc.Group(
        [dmc.Group(left, gap=6), *([actions] if actions is not None else [])],
        justify="space-between",
        mb="sm",
    )
    more = {} if id is None else {"id": id}
    return html.Section(
        dmc.Paper([head, *children], withBorder=True, p="md", radius="md"), className="card", **more
    )


def tile(label: str, value: str, note: str = "", help: Any = None) -> Any:
    """Return one number with its label, and a note under it."""
    return dmc.Paper(
        [
            dmc.Group([dmc.Text(label, size="xs", c="dimmed"), *([help] if help is not None else [])], gap=4),
            dmc.Text(value, size="xl", fw=600, className="figure-number"),
            *([dmc.Text(note, size="xs", c="dimmed")] if note else []),
        ],
        withBorder=True,
        p="sm",
        radius="md",
    )


def pill(words: str, kind: str = "plain") -> Any:
    """Return a short label; ``kind`` is ``plain``, ``good``, ``caution`` or ``bad`` (a sign goes with each colour)."""
    signs = {"good": "✓ ", "caution": "! ", "bad": "✕ "}
    return html.Span(signs.get(kind, "") + words, className=f"pill pill-{kind}")


def command(words: str) -> Any:
    """Return a command to type, with a button that copies it."""
    return dmc.Group(
        [
            dmc.Code(words, fz="sm"),
            dmc.CopyButton(
                value=words,
                children=html.Span(className="icon-copy"),
                copiedChildren="✓",
                size="compact-sm",
                variant="default",
                **{"aria-label": f"⧉ {words}"},
            ),
        ],
        gap="xs",
    )


def empty(title: str, sentence: str, to_type: str = "") -> Any:
    """Return what stands where there is nothing: what is missing, and the command that computes it."""
    parts = [dmc.Text(title, fw=600), dmc.Text(sentence, c="dimmed", ta="center", maw=560)]
    if to_type:
        parts.append(command(to_type))
    return html.Div(dmc.Stack(parts, align="center", gap="xs"), className="empty")


def failed(texts: Texts, sentence: str) -> Any:
    """Return what stands where something could not be read: a sentence, never a traceback."""
    return dmc.Alert(sentence, title=texts("error.title"), color="red", variant="light")
