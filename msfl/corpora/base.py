"""What a reader of a corpus is: its facts, and a function from a folder to records."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from msfl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from msfl.corpora.table import Record

SUFFIXES = (".wav", ".flac")


class CorpusWarning(UserWarning):
    """Something in a corpus was left out or is doubtful; the message is one sentence for the user."""


def warn(message: str) -> None:
    """Report something that the user should know but that stops nothing."""
    warnings.warn(message, CorpusWarning, stacklevel=3)


@dataclass(frozen=True)
class Found:
    """What was found under a path.

    Attributes:
        records: The recordings that the layout explains.
        left_out: Recordings that it does not explain.
    """

    records: list[Record] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Reader:
    """A corpus as its publisher lays it out.

    Attributes:
        name: Name on the command line.
        title: Name of the corpus.
        language: BCP 47 tag; empty where the recordings say it themselves.
        naturalness: ``acted``, ``elicited``, ``spontaneous`` or ``synthetic``; empty where recordings differ.
        emotions: Harmonised emotions.
        speakers: Number and gender of the speakers, in words.
        licence: Terms of use, in words.
        source: Where to get it.
        layout: Expected layout.
        labels: How labels are read, in words.
        citation: The paper to cite.
        find: Path -> `Found`. It reads names and label files, never sound.
    """

    name: str
    title: str
    language: str
    naturalness: str
    emotions: tuple[str, ...]
    speakers: str
    licence: str
    source: str
    layout: str
    labels: str
    citation: str
    find: Callable[[Path], Found] = field(repr=False)

    def read(self, path: str | Path, label: str | None = None) -> pd.DataFrame:
        """Return the utterance table of the corpus at a path.

        Recordings that do not match the layout are left out with a `CorpusWarning`.

        Args:
            path: Folder of the corpus, or its file where the corpus is a table.
            label: Label of the corpus in the experiment; the reader's name if None.

        Raises:
            DataError: There is nothing at the path, or nothing there has the expected layout.
        """
        from msfl.corpora.table import from_records

        root = Path(path).expanduser()
        if not root.exists():
            raise DataError(
                f"There is no '{root}'; the reader '{self.name}' needs the folder of {self.title}."
            )
        found = self.find(root)
        if not found.records:
            raise DataError(self._wrong_layout(root, found.left_out))
        if found.left_out:
            total = len(found.records) + len(found.left_out)
            warn(
                f"{len(found.left_out)} of {total} recordings in '{root}' do not have the layout of "
                f"{self.title} ({self.layout}) and are left out, first '{found.left_out[0].name}'."
            )
        records = [replace(record, corpus=None) for record in found.records] if label else found.records
        return from_records(
            records, corpus=label or self.name, language=self.language, naturalness=self.naturalness or None
        )

    def _wrong_layout(self, root: Path, others: list[Path]) -> str:
        if root.is_file():
            seen = "it is a file, not a folder"
        elif others:
            first = others[0].relative_to(root)
            seen = f"found {len(others)} wav or flac files of another layout, first '{first}'"
        else:
            seen = "found no wav or flac file"
        return f"'{root}' is not {self.title}: expected {self.layout}, {seen}. `msfl corpora {self.name}` says more."


def recordings(root: Path) -> Iterator[Path]:
    """Yield the wav and flac files under a folder sorted, without hidden files and litter of archives."""
    for file in sorted(root.rglob("*")):
        parts = file.relative_to(root).parts
        if any(part.startswith((".", "__MACOSX")) for part in parts):
            continue
        if file.suffix.lower() in SUFFIXES and file.is_file():
            yield file


def by_name(pattern: str, parse: Callable[[re.Match[str], Path], Record]) -> Callable[[Path], Found]:
    """Return a `Reader.find` for a corpus whose file names say everything.

    Args:
        pattern: Regular expression for the end of the path without its suffix, ``/`` between folders; case
            does not matter. It must match whole names: ``a01`` does not match ``xa01``.
        parse: Match and file -> record.
    """
    expression = re.compile(rf"(?:^|/)(?:{pattern})$", re.IGNORECASE)

    def find(root: Path) -> Found:
        found = Found()
        for file in recordings(root):
            match = expression.search(file.absolute().with_suffix("").as_posix())
            if match is None:
                found.left_out.append(file)
            else:
                found.records.append(parse(match, file))
        return found

    return find


def text_of(file: Path, *, encoding: str = "utf-8-sig") -> str:
    """Return the text of a label file.

    Raises:
        DataError: The file cannot be read or is not in the encoding.
    """
    try:
        return file.read_text(encoding=encoding)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"'{file}' cannot be read as {encoding} text: {error}.") from error
