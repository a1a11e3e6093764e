"""Small parts that the pages share: cards, help on hover and focus, figures, empty and error states."""

from dashboard.components.blocks import card, command, empty, failed, help_mark, page_head, pill, tile
from dashboard.components.figures import figure
from dashboard.components.links import csv_link, page_link

__all__ = [
    "card",
    "command",
    "csv_link",
    "empty",
    "failed",
    "figure",
    "help_mark",
    "page_head",
    "page_link",
    "pill",
    "tile",
]
