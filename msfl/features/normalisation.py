"""Normalisation of features: whose mean and standard deviation each recording is measured against.

It is part of the protocol: `speaker` and `corpus` use unlabelled recordings of the test part, and the
choice is worth as much as a model (EMO-DB .87 against .75 with one classifier; Keesing et al. 2021).
`Scaler.description` says in words what was done and is printed beside every number.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.atomic import replacing
from msfl.errors import DataError, UsageError, nearest

Kind = Literal["train", "corpus", "speaker"]
Floats = NDArray[np.float32]
Moments = NDArray[np.float32]  # shape (2, D): mean, standard deviation (0 for constant features)

KINDS: dict[Kind, str] = {
    "train": "z-scores with mean and deviation of the training part",
    "corpus": "z-scores within each corpus (an unseen corpus: by its unlabelled test recordings)",
    "speaker": "z-scores within each speaker (uses the unlabelled recordings of the test speaker)",
}
"""The kinds, from the least to the most adaptive, and what each means beside a number."""

LIMIT = 5.0
"""z-scores are clipped here: one outlier must not rule a dot product or a gradient."""

MINIMUM = 5
"""A speaker or corpus needs this many recordings for statistics of its own. Of two recordings every z-score
is +1 or -1 and of one it is 0, whatever was said: such statistics would delete the signal."""

_CONSTANT = 1e-6  # deviation relative to the largest value: a few units in the last place of float32
_FORMAT = "msfl-scaler-1"
_ROWS = 4096  # rows taken to float64 at once


class Scaler:
    """z-scores, clipped at +-5, by statistics of the training part, the corpus or the speaker.

    `fit` sees the training part only. `transform` then normalises any table:

    - `train`: by mean and standard deviation of all training recordings, whatever their corpus.
    - `corpus`: by the training recordings of the same corpus. A corpus that has none (cross-corpus test) is
      measured by its own recordings in the table given, unlabelled.
    - `speaker`: by the training recordings of the same speaker. A speaker who has none, which is every test
      speaker of a speaker-independent split, is measured by the own recordings in the table given,
      unlabelled. It therefore needs all recordings of a test speaker at once, and **uses the test speaker's
      data** (not the labels); where speaker and emotion are confounded (URDU) it erases the label.

    Who has fewer than `MINIMUM` recordings falls back one step: speaker -> corpus -> train. Recordings
    without a speaker count as one speaker per corpus. New recordings (`msfl predict`) are a table of one
    unseen corpus: with no speakers named they are taken for one speaker, and below `MINIMUM` files for
    unknown ones (`train`).

    A mapping `{corpus: kind}` chooses per corpus. Its `train` statistics come from the training recordings
    of the corpora that are under `train` alone: the others arrive centred per speaker or corpus, and the
    raw level of their recording chains would shift the `train` corpora away from zero, which tells the
    model the corpus (and so the language) for nothing. With every corpus under `train` the mapping equals
    `"train"`; a `train` corpus without training recordings of its kind (cross-corpus) is measured by the
    whole training part. A corpus that is not in the mapping is refused in `fit`; in `transform` (new
    recordings) it takes the most adaptive kind that the mapping holds, since that falls back by itself.

    Features that are constant in a group, up to float32 rounding of their magnitude, become 0 in that group.

    Args:
        kind: `"train"`, `"corpus"`, `"speaker"`, or a mapping from corpus label to one of them.

    Attributes:
        feature_names_: Names of the D features seen in `fit`.
        moments_: Group -> array (2, D) of mean and standard deviation. Groups are `("train", "")` for the
            corpora under `train`, `("all", "")` for the whole training part, `("corpus", label)` and
            `("speaker", label)`.

    Raises:
        UsageError: A kind does not exist.

    Example:
        >>> Scaler("speaker").description
        'z-scores within each speaker (uses the unlabelled recordings of the test speaker)'
    """

    def __init__(self, kind: Kind | Mapping[str, Kind] = "train") -> None:
        self.kind = kind
        for one in [kind] if isinstance(kind, str) else kind.values():
            if one not in KINDS:
                raise UsageError(
                    f"There is no normalisation '{one}'.{nearest(str(one), list(KINDS))} "
                    f"The kinds are {', '.join(KINDS)}."
                )
        if not isinstance(kind, str) and not kind:
            raise UsageError("The normalisation names no corpus; give one kind, or one kind per corpus.")

    @property
    def description(self) -> str:
        """What was done, in words, to stand beside every number made with it."""
        if isinstance(self.kind, str):
            return KINDS[self.kind]
        parts = []
        for kind, words in KINDS.items():
            corpora = [corpus for corpus, chosen in self.kind.items() if chosen == kind]
            if corpora:
                parts.append(f"{', '.join(corpora)}: {words}")
        return "; ".join(parts)

    def fit(self, features: pd.DataFrame, table: pd.DataFrame) -> Scaler:
        """Take the statistics of the training part.

        Args:
            features: Features of the training utterances, shape (n, D), index `utterance`.
            table: Utterance table that has at least these utterances; columns corpus and speaker.

        Raises:
            DataError: There are no utterances, some are missing in the table, or a value is not finite.
            UsageError: A corpus is missing in the mapping.
        """
        values = _values(features)
        if len(values) == 0:
            raise DataError("There are no training recordings to take the statistics for normalisation from.")
        corpus, speaker = _groups(features.index, table)
        self._refuse_unnamed(corpus)
        self.feature_names_ = tuple(str(name) for name in features.columns)
        everything = _moments(values)
        own = np.array([self._kind_of(label) == "train" for label in corpus])
        self.moments_: dict[tuple[str, str], Moments] = {
            ("all", ""): everything,
            ("train", ""): _moments(values[own]) if own.any() and not own.all() else everything,
        }
        for label, rows in _rows_by_label(corpus):
            if self._kind_of(label) == "train":
                continue
            self._keep("corpus", label, values, rows)
            if self._kind_of(label) == "speaker":
                for person, within in _rows_by_label(speaker[rows]):
                    self._keep("speaker", person, values, rows[within])
        return self

    def transform(self, features: pd.DataFrame, table: pd.DataFrame) -> Floats:
        """Return z-scores of shape (n, D) within +-5, in the order of `features`.

        Args:
            features: Features with the columns of `fit`, shape (n, D). Under `speaker` and `corpus`, give all
                recordings of an unseen speaker or corpus together.
            table: Utterance table that has at least these utterances.

        Raises:
            DataError: The columns differ from those of `fit`, an utterance is missing in the table, or a
                value is not finite.
        """
        values = self._checked(features)
        result = np.empty(values.shape, dtype=np.float32)
        for rows, moments in self._moments_of_rows(values, features.index, table):
            _standardise(values, rows, moments, result)
        return result

    def affine(self, features: pd.DataFrame, table: pd.DataFrame) -> tuple[Floats, Floats]:
        """Return what `transform` subtracts from each row and multiplies it by then, each of shape (n, D).

        Args and errors are those of `transform`, which clips as well.
        """
        values = self._checked(features)
        centre, factor = np.empty(values.shape, np.float32), np.empty(values.shape, np.float32)
        for rows, moments in self._moments_of_rows(values, features.index, table):
            centre[rows], factor[rows] = moments[0], _factor(moments[1])
        return centre, factor

    def _checked(self, features: pd.DataFrame) -> Floats:
        """Return the matrix of features that are those of `fit`."""
        if tuple(str(name) for name in features.columns) != self.feature_names_:
            raise DataError(
                f"The features to normalise ({features.shape[1]} columns) are not those that the "
                f"normalisation was fitted on ({len(self.feature_names_)}); extract the same feature set."
            )
        return _values(features)

    def _moments_of_rows(
        self, values: Floats, utterances: pd.Index, table: pd.DataFrame
    ) -> Iterator[tuple[NDArray[np.intp], Moments]]:
        """Yield groups of rows that are normalised alike, and by what; every row is in one of them."""
        corpus, speaker = _groups(utterances, table)
        for label, rows in _rows_by_label(corpus):
            kind = self._kind_of(label)
            if kind == "train":
                yield rows, self.moments_["train", ""]
                continue
            of_corpus = self._own("corpus", label, values, rows, self.moments_["all", ""])
            if kind == "corpus":
                yield rows, of_corpus
                continue
            for person, within in _rows_by_label(speaker[rows]):
                theirs = rows[within]
                yield theirs, self._own("speaker", person, values, theirs, of_corpus)

    def save(self, file: Path | str) -> None:
        """Write the statistics as `.npz`: plain arrays, no pickle; the file appears whole or not at all."""
        groups = sorted(self.moments_)
        with replacing(Path(file)) as work, work.open("wb") as stream:
            np.savez(
                stream,
                format=np.array(_FORMAT),
                kind=np.array(json.dumps(self.kind if isinstance(self.kind, str) else dict(self.kind))),
                feature_names=np.array(self.feature_names_),
                levels=np.array([level for level, _ in groups]),
                labels=np.array([label for _, label in groups]),
                moments=np.stack([self.moments_[group] for group in groups]),
            )

    @classmethod
    def load(cls, file: Path | str) -> Scaler:
        """Read what `save` wrote; nothing in the file can run code.

        Raises:
            DataError: The file is missing, damaged, or of another version.
        """
        try:
            with np.load(file, allow_pickle=False) as arrays:
                if str(arrays["format"]) != _FORMAT:
                    raise ValueError(f"format '{arrays['format']}'")
                scaler = cls(json.loads(str(arrays["kind"])))
                scaler.feature_names_ = tuple(arrays["feature_names"].tolist())
                groups = zip(arrays["levels"].tolist(), arrays["labels"].tolist(), strict=True)
                scaler.moments_ = dict(zip(groups, arrays["moments"], strict=True))
        except FileNotFoundError:
            raise DataError(f"'{file}' does not exist: the normalisation of this model is lost.") from None
        except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, UsageError) as error:
            raise DataError(f"'{file}' is damaged or not a normalisation of this version.") from error
        return scaler

    def _kind_of(self, corpus: str) -> Kind:
        if isinstance(self.kind, str):
            return self.kind
        return self.kind[corpus] if corpus in self.kind else max(self.kind.values(), key=_adaptivity)

    def _refuse_unnamed(self, corpora: NDArray[np.str_]) -> None:
        if isinstance(self.kind, str):
            return
        missing = sorted(set(corpora.tolist()) - set(self.kind))
        if missing:
            raise UsageError(
                f"The normalisation names no kind for the corpus '{missing[0]}'; "
                f"add it to {', '.join(sorted(self.kind))}."
            )

    def _keep(self, level: str, label: str, values: Floats, rows: NDArray[np.intp]) -> None:
        """Keep the statistics of a group of the training part that is large enough to have some."""
        if len(rows) >= MINIMUM:
            self.moments_[level, label] = _moments(values[rows])

    def _own(
        self, level: str, label: str, values: Floats, rows: NDArray[np.intp], otherwise: Moments
    ) -> Moments:
        """Return the statistics of a group: from its training part, else its rows here, else `otherwise`."""
        known = self.moments_.get((level, label))
        if known is not None:
            return known
        return _moments(values[rows]) if len(rows) >= MINIMUM else otherwise


def _adaptivity(kind: Kind) -> int:
    return tuple(KINDS).index(kind)


def _values(features: pd.DataFrame) -> Floats:
    """Return the matrix of a feature table; refuse what is not a number.

    Raises:
        DataError: A value is NaN or infinite.
    """
    values: Floats = features.to_numpy(dtype=np.float32)
    finite = np.isfinite(values)
    if not finite.all():
        row, column = (int(position[0]) for position in np.nonzero(~finite))
        raise DataError(
            f"The feature '{features.columns[column]}' of '{features.index[row]}' is {values[row, column]} "
            f"and {int((~finite).sum()) - 1} more values are not finite; leave these recordings out, as "
            "`msfl extract` does."
        )
    return values


def _groups(utterances: pd.Index, table: pd.DataFrame) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """Return corpus and speaker per utterance; those without a speaker are one speaker per corpus."""
    where = table.index.get_indexer(utterances)
    if (where < 0).any():
        lost = utterances[int(np.argmin(where))]
        raise DataError(f"'{lost}' has features but is not in the utterance table; give the table of both.")
    corpus = table["corpus"].iloc[where].astype("string").fillna("").to_numpy(dtype=str)
    speaker = table["speaker"].iloc[where].astype("string").fillna("").to_numpy(dtype=str)
    return corpus, np.where(speaker == "", np.char.add(corpus, "/"), speaker)


def _rows_by_label(labels: NDArray[np.str_]) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Yield each label with the positions that carry it, in one sort however many labels there are."""
    order = np.argsort(labels, kind="stable")
    names, starts = np.unique(labels[order], return_index=True)
    yield from zip(names.tolist(), np.split(order, starts[1:]), strict=True)


def _moments(values: Floats) -> Moments:
    """Return mean and standard deviation of each column, shape (2, D), computed in float64 and in two passes.

    The deviation is 0 where it is no more than the rounding of the column's largest magnitude: the mean of
    n equal float32 numbers need not be that number, and the quotient of two rounding errors would be noise
    of size one.
    """
    mean = values.mean(axis=0, dtype=np.float64)
    squares = np.zeros(values.shape[1])
    for start in range(0, len(values), _ROWS):
        squares += ((values[start : start + _ROWS] - mean) ** 2).sum(axis=0)
    deviation = np.sqrt(squares / len(values))
    largest = np.abs(values).max(axis=0).astype(np.float64)
    deviation[deviation <= _CONSTANT * largest] = 0
    return np.stack([mean, deviation]).astype(np.float32)


def _standardise(values: Floats, rows: NDArray[np.intp], moments: Moments, result: Floats) -> None:
    """Write the clipped z-scores of some rows into `result`."""
    mean, deviation = moments.astype(np.float64)
    factor = _factor(deviation)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        result[part] = np.clip((values[part] - mean) * factor, -LIMIT, LIMIT)


def _factor(deviation: NDArray[Any]) -> NDArray[np.float64]:
    """Return one over the standard deviation, and 0 where there is none."""
    wide = deviation.astype(np.float64)
    return np.divide(1.0, wide, out=np.zeros_like(wide), where=wide > 0)
