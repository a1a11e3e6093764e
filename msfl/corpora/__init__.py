"""One file per corpus: native layout -> utterance table; and the registry of readers.

>>> from msfl import corpora
>>> table = corpora.load("emodb=path/to/emodb")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from msfl.corpora.base import CorpusWarning, Reader
from msfl.errors import UsageError, nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CorpusWarning", "Reader", "get_reader", "load", "load_all", "names", "parse_spec", "readers"]

MODULES = (
    "emodb",
    "casia",
    "savee",
    "ravdess",
    "emovo",
    "urdu",
    "emotiontts",
    "cremad",
    "tess",
    "nemo",
    "turev",
    "eyase",
    "iemocap",
    "msp_improv",
    "demo",
    "manifest",
    "audformat",
)
"""Modules of this package, each with a `READER`; the name of the module is the name of the reader."""

ENTRY_POINTS = "msfl.corpora"
"""Other packages add readers in this entry-point group: ``name = module:READER``."""


def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def names() -> list[str]:
    """Return the names of all readers, those of other packages last."""
    return [*MODULES, *sorted(set(_plugins()) - set(MODULES))]


def get_reader(name: str) -> Reader:
    """Return a reader; its module is imported now.

    Raises:
        UsageError: There is no reader of this name.
    """
    if name in MODULES:
        reader: Reader = import_module(f"msfl.corpora.{name}").READER
        return reader
    plugin = _plugins().get(name)
    if plugin is None:
        hint = nearest(name, names())
        raise UsageError(f"There is no corpus reader '{name}'.{hint} `msfl corpora` lists them.")
    return plugin.load()  # type: ignore[no-any-return]


def readers() -> list[Reader]:
    """Return all readers."""
    return [get_reader(name) for name in names()]


def parse_spec(spec: str) -> tuple[str, str | None, Path]:
    """Split ``reader=PATH`` or ``reader:LABEL=PATH`` into reader, label and path.

    Raises:
        UsageError: It has another form, or the label cannot be a label.

    Example:
        >>> parse_spec("manifest:calls=calls.csv")
        ('manifest', 'calls', PosixPath('calls.csv'))
    """
    name, equals, path = spec.partition("=")
    reader, colon, label = name.partition(":")
    if not equals or not path or not reader:
        raise UsageError(
            f"'{spec}' does not name a corpus; write reader=PATH or reader:LABEL=PATH, such as emodb=PATH."
        )
    if colon and (not label or "/" in label or label != label.strip()):
        raise UsageError(
            f"The label in '{spec}' is empty or has a slash or a blank at an end; choose a plain word."
        )
    return reader.strip(), label or None, Path(path).expanduser()


def load(spec: str) -> pd.DataFrame:
    """Return the utterance table of one corpus.

    Args:
        spec: ``reader=PATH`` or ``reader:LABEL=PATH``.

    Raises:
        UsageError: The reader does not exist or the spec has another form.
        DataError: There is nothing at the path, or not what the reader expects.
    """
    name, label, path = parse_spec(spec)
    return get_reader(name).read(path, label)


def load_all(specs: Iterable[str]) -> pd.DataFrame:
    """Return the merged utterance table of several corpora.

    Raises:
        UsageError: As `load`.
        DataError: As `load`; also if two corpora claim one label, speaker, file or id.
    """
    from msfl.corpora.table import merge

    return merge([load(spec) for spec in specs])
