"""Who is in training and test: folds that keep every speaker and every duplicate recording on one side.

Folds are made once for the whole utterance table. A model of a language set uses each fold restricted to its
languages (`restrict`), so that all models of all language sets are tested on the same utterances.
`docs/protocols.md` says when to use which protocol.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from msfl.errors import DataError, UsageError, nearest
from msfl.speakers import linked_speakers, spare_speakers, spread

WORDS = {
    "loso": "speaker-independent, leave one speaker out",
    "speaker-kfold": "speaker-independent, {folds} folds of whole speakers",
    "cross-corpus": "cross-corpus, trained on the other corpora",
    "leave-one-language-out": "cross-lingual, trained on the other languages",
    "random-kfold": "speaker-dependent, {folds} random folds",
}
"""Name of each protocol -> the words for titles and tables."""

PROTOCOLS = tuple(WORDS)
"""Names of the protocols; those that end in ``-kfold`` take a number of folds, as in ``speaker-kfold:5``."""


def _no_ids() -> pd.Index:
    return pd.Index([], dtype="str", name="utterance")


@dataclass(frozen=True, eq=False)
class Fold:
    """One division of the utterances.

    Attributes:
        name: Name of the fold, unique within the protocol and safe as a file name.
        train: Utterance ids of the training part, sorted.
        test: Utterance ids of the test part, sorted.
        left_out: Utterance ids on neither side: test utterances of an emotion that training never has, and
            training utterances by a speaker, or with the sound, of the test part (see `explain_left_out`).
    """

    name: str
    train: pd.Index
    test: pd.Index
    left_out: pd.Index = field(default_factory=_no_ids)


def parse(protocol: str) -> tuple[str, int | None]:
    """Split ``speaker-kfold:5`` into its name and number of folds (None for protocols without one).

    Raises:
        UsageError: Unknown protocol, or a number of folds that is missing, not wanted, or below two.
    """
    name, colon, number = protocol.partition(":")
    if name not in WORDS:
        known = ", ".join(f"{p}:K" if p.endswith("kfold") else p for p in PROTOCOLS)
        raise UsageError(f"Unknown protocol '{protocol}'; there are {known}.{nearest(name, PROTOCOLS)}")
    if not name.endswith("kfold"):
        if colon:
            raise UsageError(f"The protocol '{name}' takes no number: write '{name}', not '{protocol}'.")
        return name, None
    if not number.isdecimal() or int(number) < 2:
        raise UsageError(f"The protocol '{name}' needs its number of folds, at least 2: write '{name}:5'.")
    return name, int(number)


def describe(protocol: str) -> str:
    """Return the words that stand beside every number made under this protocol.

    Example:
        >>> describe("random-kfold:10")
        'speaker-dependent, 10 random folds'
    """
    name, folds = parse(protocol)
    return WORDS[name].format(folds=folds)


def is_speaker_independent(protocol: str) -> bool:
    """Whether no test speaker is ever in training under this protocol."""
    return parse(protocol)[0] != "random-kfold"


def make_folds(
    table: pd.DataFrame, protocol: str, *, seed: int = 0, duplicates: pd.Series | None = None
) -> list[Fold]:
    """Divide the utterances of a table; the order of its rows has no influence.

    Args:
        table: Utterance table.
        protocol: ``loso``, ``speaker-kfold:K``, ``cross-corpus``, ``leave-one-language-out`` or
            ``random-kfold:K``.
        seed: Breaks ties between speakers, and shuffles under ``random-kfold``.
        duplicates: Utterance id -> hash of its sound; utterances with one hash are never on both sides.

    Returns:
        The folds; every utterance is tested exactly once, unless a fold leaves it out.

    Raises:
        UsageError: Unknown protocol, or more folds than speakers.
        DataError: Speakers are missing where they are needed, a language has one speaker only, or there is
            only one corpus or language where several are needed.
    """
    name, number = parse(protocol)
    table = table.sort_index()
    if table.empty:
        raise DataError("There are no utterances to make folds of: check the filters of the experiment.")
    if name == "loso":
        folds = _loso(table, duplicates)
    elif name == "speaker-kfold":
        folds = _speaker_folds(table, number or 0, seed, duplicates)
    elif name == "random-kfold":
        folds = _random_folds(table, number or 0, seed, duplicates)
    else:
        column = "corpus" if name == "cross-corpus" else "language"
        folds = _leave_one_out(table, column, duplicates)
    for fold in folds:
        check_fold(fold, table, duplicates=duplicates, speakers=name != "random-kfold")
    return folds


def check_fold(
    fold: Fold, table: pd.DataFrame, *, duplicates: pd.Series | None = None, speakers: bool = True
) -> None:
    """Prove that a fold is sound; also for folds that were read from a file.

    Args:
        fold: The fold.
        table: Utterance table that holds its utterances.
        duplicates: Utterance id -> hash of its sound.
        speakers: Whether the protocol keeps speakers apart (all but ``random-kfold``).

    Raises:
        DataError: An id is unknown, or an utterance, a speaker or a duplicate recording is on both sides.
    """
    unknown = fold.train.append(fold.test).difference(table.index)
    if len(unknown):
        raise DataError(
            f"Fold '{fold.name}' names {len(unknown)} utterances that the table does not have, such as "
            f"'{unknown[0]}': make the folds again from this table."
        )
    sides: list[tuple[str, pd.Series]] = [("utterance", table.index.to_series())]
    if speakers:
        sides.append(("speaker", table["speaker"]))
    if duplicates is not None:
        sides.append(("recording (an exact duplicate)", duplicates))
    for what, keys in sides:
        both = set(keys.reindex(fold.train).dropna()) & set(keys.reindex(fold.test).dropna())
        if both:
            raise DataError(
                f"Fold '{fold.name}' has the same {what} in training and test, '{min(both)}': "
                "such a score would be too good. Make the folds again."
            )


def restrict(fold: Fold, table: pd.DataFrame, languages: Iterable[str]) -> Fold | None:
    """Keep the utterances of some languages on both sides; None if nothing is left to train on or to test.

    The test part loses no further utterance: an emotion that the restricted training part never has stays
    in it and counts as missed, so that all language sets answer for the same utterances.
    """
    wanted = set(languages)

    def keep(ids: pd.Index) -> pd.Index:
        inside: pd.Index = ids[table.loc[ids, "language"].isin(wanted).to_numpy()]
        return inside

    small = Fold(fold.name, keep(fold.train), keep(fold.test), keep(fold.left_out))
    return small if len(small.train) and len(small.test) else None


def explain_left_out(fold: Fold, table: pd.DataFrame) -> list[str]:
    """Say in one sentence per reason which utterances of a fold are on neither side."""
    left_out = table.loc[fold.left_out]
    learnt = set(table.loc[fold.train, "emotion"].dropna())
    unlearnt = left_out["emotion"].notna() & ~left_out["emotion"].isin(learnt)
    sentences = [
        f"Fold '{fold.name}': {count} utterances of '{emotion}' are not tested, "
        "no training corpus has this emotion."
        for emotion, count in left_out.loc[unlearnt, "emotion"].value_counts().sort_index().items()
    ]
    if (~unlearnt).any():
        sentences.append(
            f"Fold '{fold.name}': {int((~unlearnt).sum())} utterances are not trained on, "
            "their speaker or their exact sound is in the test part."
        )
    return sentences


def validation_speakers(
    table: pd.DataFrame,
    train: Iterable[str],
    *,
    seed: int,
    share: float = 0.15,
    duplicates: pd.Series | None = None,
) -> tuple[pd.Index, pd.Index]:
    """Split whole speakers off the training part, for early stopping and the choice of parameters.

    Every corpus (every language of it, where it has several) with three or more speakers gives about `share` of
    them, at least one. Speakers with emotions that validation does not have yet go first; a speaker without
    whom the fit part would lose an emotion of the corpus is never taken, so that corpora whose speakers have
    one emotion each give what they can.

    Args:
        table: Utterance table.
        train: Utterance ids of the training part of a fold.
        seed: Chooses among speakers that serve equally well.
        share: Share of the speakers of each corpus.
        duplicates: Utterance id -> hash of its sound; speakers that share a recording stay together.

    Returns:
        Utterance ids to fit on and utterance ids of the validation speakers, both sorted; the second is empty
        if no corpus can spare a speaker.
    """
    part = table.loc[pd.Index(train)].sort_index()
    known = part[part["speaker"].notna()]
    group = pd.Series(linked_speakers(known, duplicates), index=known.index)
    rng = np.random.default_rng(seed)
    chosen: set[str] = set()
    home = _homes(known, group)
    for place in sorted(home.unique()):
        members = home.index[home == place]
        rows = group.isin(members)
        counts = pd.crosstab(group[rows], _strata(known[rows])).sort_index()
        chosen.update(spare_speakers(counts, share, rng))
    taken = group.index[group.isin(chosen)]
    return part.index.difference(taken), pd.Index(taken)


def to_frame(folds: Iterable[Fold]) -> pd.DataFrame:
    """Return folds as a table for Parquet or CSV: columns fold, part (train, test or left out), utterance."""
    parts = [
        pd.DataFrame({"fold": fold.name, "part": part, "utterance": ids})
        for fold in folds
        for part, ids in (("train", fold.train), ("test", fold.test), ("left out", fold.left_out))
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame.astype({"fold": "str", "part": "str", "utterance": "str"})


def from_frame(frame: pd.DataFrame) -> list[Fold]:
    """Read what `to_frame` wrote.

    Raises:
        DataError: A column is missing, or a fold lacks its training or test part.
    """
    missing = {"fold", "part", "utterance"} - set(frame.columns)
    if missing:
        raise DataError(f"The table of folds has no column '{min(missing)}': it was not written by msfl.")
    folds = []
    for name, rows in frame.groupby("fold", sort=False):
        ids = {part: pd.Index(list(r["utterance"]), name="utterance") for part, r in rows.groupby("part")}
        if "train" not in ids or "test" not in ids:
            raise DataError(
                f"Fold '{name}' has no training or no test part: the table of folds is not whole."
            )
        folds.append(Fold(str(name), ids["train"], ids["test"], ids.get("left out", _no_ids())))
    return folds


# One builder per protocol; each gets the table sorted by utterance id.


def _loso(table: pd.DataFrame, duplicates: pd.Series | None) -> list[Fold]:
    groups = _speaker_groups(table, duplicates)
    safe = {group: group.replace("/", "-").replace(" ", "_") for group in np.unique(groups)}
    unique = len(set(safe.values())) == len(safe)
    return [
        _fold(table, safe[group] if unique else f"{safe[group]}-{number}", groups == group)
        for number, group in enumerate(safe, start=1)
    ]


def _speaker_folds(table: pd.DataFrame, number: int, seed: int, duplicates: pd.Series | None) -> list[Fold]:
    groups = pd.Series(_speaker_groups(table, duplicates), index=table.index)
    counts = pd.crosstab(groups, _strata(table)).sort_index()
    most = int(groups.groupby(table["corpus"]).nunique().max())
    if number > most:
        raise UsageError(
            f"speaker-kfold:{number} needs a corpus with {number} speakers, the largest has {most}: "
            f"write 'speaker-kfold:{most}' or fewer, or 'loso'."
        )
    home = _homes(table, groups).to_numpy(dtype=str)
    fold_of = spread(counts.to_numpy(), home, number, np.random.default_rng(seed))
    fold_of_row = groups.map(dict(zip(counts.index, fold_of, strict=True))).to_numpy()
    return [_fold(table, f"fold-{k + 1:02d}", fold_of_row == k) for k in range(number)]


def _random_folds(table: pd.DataFrame, number: int, seed: int, duplicates: pd.Series | None) -> list[Fold]:
    units = table.index.to_series()
    if duplicates is not None:
        hashes = duplicates.reindex(table.index)
        # One unit per sound, named by its first utterance.
        units = units.groupby(hashes.fillna(units)).transform("min")
    first = table.loc[units.unique()].sort_index()
    if number > len(first):
        raise UsageError(f"random-kfold:{number} needs {number} recordings, there are {len(first)}.")
    rng = np.random.default_rng(seed)
    shuffled = first.iloc[rng.permutation(len(first))]
    # Dealing one stratum after the other to the folds in turn keeps each stratum and the whole even.
    dealt = _strata(shuffled).sort_values(kind="stable").index
    fold_of = dict(zip(dealt, np.arange(len(dealt)) % number, strict=True))
    fold_of_row = units.map(fold_of).to_numpy()
    return [_fold(table, f"fold-{k + 1:02d}", fold_of_row == k) for k in range(number)]


def _leave_one_out(table: pd.DataFrame, column: str, duplicates: pd.Series | None) -> list[Fold]:
    values = sorted(table[column].unique())
    what = {"corpus": ("cross-corpus", "corpora"), "language": ("leave-one-language-out", "languages")}[
        column
    ]
    if len(values) < 2:
        raise DataError(
            f"{what[0]} needs at least two {what[1]}, there is only '{values[0]}': add one, or use 'loso'."
        )
    if column == "language":
        several = table.groupby("corpus")["language"].nunique() > 1
        _require_speakers(table[table["corpus"].isin(several.index[several])], what[0])
    return [_leave_out_value(table, column, value, duplicates) for value in values]


def _leave_out_value(table: pd.DataFrame, column: str, value: str, duplicates: pd.Series | None) -> Fold:
    test = table[column] == value
    train = ~test
    keys = [table["speaker"]] if duplicates is None else [table["speaker"], duplicates.reindex(table.index)]
    for key in keys:
        train &= ~(key.isin(set(key[test].dropna())) & key.notna())
    emotions = set(table.loc[train, "emotion"].dropna())
    test &= table["emotion"].isna() | table["emotion"].isin(emotions)
    if not train.any() or not test.any():
        raise DataError(
            f"With {column} '{value}' left out, the others share no emotion with it or no speaker is left: "
            f"leave '{value}' out of the experiment, or use 'loso'."
        )
    return Fold(value.replace("/", "-"), table.index[train], table.index[test], table.index[~train & ~test])


def _places(table: pd.DataFrame) -> pd.Series:
    """Return corpus and language of every utterance in one word."""
    return table["corpus"].astype(str) + "|" + table["language"].astype(str)


def _strata(table: pd.DataFrame) -> pd.Series:
    """Return corpus, language and emotion of every utterance in one word."""
    return _places(table) + "|" + table["emotion"].astype(object).fillna("").astype(str)


def _homes(table: pd.DataFrame, groups: pd.Series) -> pd.Series:
    """Return the corpus and language of every group of speakers: where most of its utterances are."""
    return _places(table).groupby(groups).agg(lambda places: places.value_counts().index[0]).sort_index()


def _fold(table: pd.DataFrame, name: str, test: np.ndarray) -> Fold:
    return Fold(name, table.index[~test], table.index[test])


def _require_speakers(table: pd.DataFrame, protocol: str) -> None:
    unknown = table.index[table["speaker"].isna()]
    if len(unknown):
        raise DataError(
            f"{len(unknown)} utterances have no speaker, such as '{unknown[0]}', "
            f"and {protocol} keeps speakers apart: add the speakers to the table, or use 'random-kfold:5', "
            "which is speaker-dependent."
        )


def _speaker_groups(table: pd.DataFrame, duplicates: pd.Series | None) -> np.ndarray:
    """Return the group of every utterance; refuse languages that leave nobody to train on or to test."""
    _require_speakers(table, "this protocol")
    groups = linked_speakers(table, duplicates)
    per_language = pd.Series(groups, index=table.index).groupby(table["language"]).nunique()
    for language in per_language.index[per_language < 2]:
        rows = table["language"] == language
        names = sorted(table.loc[rows, "speaker"].unique())
        reason = f"has one speaker only, '{names[0]}'"
        if len(names) > 1:
            reason = f"has {len(names)} speakers, all linked by duplicate recordings"
        raise DataError(
            f"The language '{language}' {reason}, so that nobody is left to train on when it is tested: "
            "add speakers, leave the language out, or use 'leave-one-language-out'."
        )
    return groups
