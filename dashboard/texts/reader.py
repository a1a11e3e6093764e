"""Reading the text files, and looking a text up by its dotted key."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

LANGUAGES: dict[str, str] = {"en": "English", "de": "Deutsch", "zh": "中文"}
"""Interface language -> its own name for itself."""
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Texts:
    """The texts of one language.

    Attributes:
        lang: Key of `LANGUAGES`.
        entries: Dotted key -> text.
    """

    lang: str
    entries: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its ``{placeholders}`` filled in.

        A key that does not exist comes back itself: a missing translation must not take a page down. The tests
        find it.
        """
        text = self.entries.get(key)
        if text is None:
            return key
        return text.format(**values) if values else text

    def label(self, group: str, value: str) -> str:
        """Return the word for a value of the data, such as an emotion, or the value itself.

        Args:
            group: ``emotion``, ``family``, ``method``, ... : the entries ``label.GROUP.VALUE``.
            value: The value as the tables write it.
        """
        known = self.entries.get(f"label.{group}.{value}")
        if known is None and group == "set":  # a language set without a name of its own: its languages
            return " + ".join(self.label("language", tag) for tag in value.split("+"))
        language, _, region = value.partition("-")
        if known is None and group == "language" and region:  # a variety, such as en-US
            return f"{self.label(group, language)} ({region})"
        return value if known is None else known

    def number(self, value: float, digits: int = 2) -> str:
        """Return a number as readers of this language write it; a dash where it is missing."""
        if value != value:  # NaN
            return "–"
        said = f"{value:.{digits}f}".replace("-", "−")
        return said.replace(".", ",") if self.lang == "de" else said

    def count(self, value: int) -> str:
        """Return a whole number with its thousands apart."""
        return f"{value:,}".replace(",", ".") if self.lang == "de" else f"{value:,}"


@lru_cache
def texts_for(lang: str) -> Texts:
    """Return the texts of an interface language; English for one that is not there.

    ``LANG.toml`` holds the shared texts. ``PAGE.LANG.toml`` holds those of a page; its keys begin with ``PAGE.``
    without saying so.
    """
    known = lang if lang in LANGUAGES else "en"
    entries: dict[str, str] = {}
    for file in sorted(FOLDER.glob(f"*{known}.toml")):
        page = file.name.removesuffix(f"{known}.toml").rstrip(".")
        entries |= dict(flatten(read(file), page))
    return Texts(known, entries)


def read(file: Path) -> dict[str, Any]:
    """Return the nested tables of a text file."""
    return tomllib.loads(file.read_text(encoding="utf-8"))


def flatten(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield dotted keys and their texts."""
    for key, value in tables.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(value, dict):
            yield from flatten(value, name)
        else:
            yield name, str(value)
