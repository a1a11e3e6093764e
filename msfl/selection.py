"""From the corpora of an experiment to the utterances that take part, and what to know before training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast
from warnings import catch_warnings, simplefilter

from msfl.errors import DataError, UsageError, nearest
from msfl.tasks import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from msfl.experiment import CorpusSource, Experiment
    from msfl.features.normalisation import Kind

NORMALISATION = "normalisation"
"""Column that says how the features of an utterance are normalised."""
CONTENT = "content"
"""Column with a hash of the recording: equal hashes are duplicate recordings."""
_FEW_SPEAKERS = 0.5
"""Share of the speakers with one emotion only from which normalising per speaker erases the label."""


def load_table(experiment: Experiment, say: Callable[[str], None] = lambda _: None) -> pd.DataFrame:
    """Read the corpora of an experiment into one utterance table.

    Languages are named as the experiment names them, and the column ``normalisation`` says what it asks for.

    Args:
        experiment: The experiment.
        say: Receives what a reader left out or found doubtful, one sentence each.

    Raises:
        DataError: A corpus cannot be read, or two corpora claim one label or speaker.
        UsageError: There is no such reader.
    """
    from msfl.corpora.base import CorpusWarning
    from msfl.corpora.table import merge

    with catch_warnings(record=True) as caught:
        simplefilter("always", CorpusWarning)
        parts = [_part(label, source, experiment) for label, source in experiment.corpora.items()]
    for warning in caught:
        if issubclass(warning.category, CorpusWarning):
            say(f"Warning: {warning.message}")
    return merge(parts)


def _part(label: str, source: CorpusSource, experiment: Experiment) -> pd.DataFrame:
    from msfl.corpora import load

    part = _labels(source, label) if experiment.data.features_table else load(source.spec(label))
    if source.language is not None:
        part["language"] = source.language
    part[NORMALISATION] = source.normalisation or experiment.data.normalisation
    return part


def _labels(source: CorpusSource, label: str) -> pd.DataFrame:
    """Read a corpus whose features are given: a manifest then needs no recordings."""
    from msfl.corpora import load
    from msfl.corpora.manifest import READER, without_recordings

    if source.reader == READER.name:
        return without_recordings(source.path, None if label == READER.name else label)
    return load(source.spec(label))


def normalisation(table: pd.DataFrame) -> Kind | dict[str, Kind]:
    """Return the kind for `Scaler`: one word, or one per corpus where corpora differ."""
    kinds = {
        str(corpus): cast("Kind", group.iloc[0]) for corpus, group in table.groupby("corpus")[NORMALISATION]
    }
    distinct = set(kinds.values())
    return distinct.pop() if len(distinct) == 1 else kinds


def select(table: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """Keep the utterances whose emotion the experiment asks for.

    Utterances without an emotion label stay: they train the other tasks, and are never tested.

    Raises:
        UsageError: The experiment lists an emotion that no corpus has.
        DataError: Fewer than two classes of the main task are left.
    """
    emotions = experiment.data.emotions
    if emotions != "all":
        wanted = _shared(table) if emotions == "shared" else set(_listed(emotions, table))
        if len(wanted) < 2:
            raise DataError(
                f"The languages share {len(wanted)} emotion(s) ({', '.join(sorted(wanted)) or 'none'}): take "
                "data.emotions = 'all', a list, or other corpora."
            )
        table = table[table["emotion"].isin(wanted) | table["emotion"].isna()]
    main = experiment.training.tasks[0]
    classes = table[COLUMNS[main]].dropna().unique()
    if len(classes) < 2:
        raise DataError(
            f"The main task '{main}' has {len(classes)} class(es) in these corpora "
            f"({', '.join(classes) or 'no labels'}): at least two are needed. Check the labels with `msfl "
            "scan`."
        )
    return table


def _shared(table: pd.DataFrame) -> set[str]:
    groups = [set(group.dropna()) for _, group in table.groupby("language")["emotion"]]
    return set.intersection(*groups)


def _listed(emotions: tuple[str, ...], table: pd.DataFrame) -> tuple[str, ...]:
    known = sorted(table["emotion"].dropna().unique())
    for emotion in emotions:
        if emotion not in known:
            hint = nearest(emotion, known)
            raise UsageError(
                f"data.emotions: no corpus has the emotion '{emotion}' (there are {', '.join(known)}).{hint}"
            )
    return emotions


def warnings(table: pd.DataFrame, experiment: Experiment) -> list[str]:
    """Return what a reviewer would ask about, one sentence each: nothing here stops the training."""
    return [
        *_serious_findings(table),
        *_lonely_emotions(table),
        *_confounded_speakers(table),
        *_missing_labels(table, experiment),
    ]


def _serious_findings(table: pd.DataFrame) -> list[str]:
    """Return what `msfl scan` would call serious, as far as the labels alone show it."""
    from msfl.audit.confounds import confounds
    from msfl.audit.corpus_findings import corpus_findings
    from msfl.audit.counts import concentration
    from msfl.audit.language_findings import language_findings

    found = [*corpus_findings(table, confounds(table), concentration(table)), *language_findings(table)]
    return [
        f"{finding.corpus}: {finding.sentence} {finding.consequence}".strip()
        for finding in found
        if finding.level == "serious"
    ]


def _lonely_emotions(table: pd.DataFrame) -> list[str]:
    languages = table["language"].nunique()
    per_emotion = table.dropna(subset=["emotion"]).groupby("emotion")["language"].unique()
    lonely = {emotion: found[0] for emotion, found in per_emotion.items() if len(found) == 1}
    if languages < 2 or not lonely:
        return []
    listed = ", ".join(f"{emotion} ({language})" for emotion, language in lonely.items())
    return [
        f"In one language only: {listed}. A multilingual model can tell these by the language; "
        "data.emotions = 'shared' keeps what all languages have."
    ]


def _confounded_speakers(table: pd.DataFrame) -> list[str]:
    """Find corpora with one emotion per speaker, where normalisation per speaker erases the label."""
    found = []
    known = table.dropna(subset=["speaker", "emotion"])
    for corpus, group in known.groupby("corpus"):
        kind = group[NORMALISATION].iloc[0]
        share = float((group.groupby("speaker")["emotion"].nunique() == 1).mean())
        if kind == "speaker" and share >= _FEW_SPEAKERS and group["emotion"].nunique() > 1:
            found.append(
                f"{corpus}: {share:.0%} of the speakers show one emotion only, so that normalising per "
                f"speaker erases the emotion. Set corpora.{corpus} = {{ ..., normalisation = 'train' }}."
            )
    return found


def _missing_labels(table: pd.DataFrame, experiment: Experiment) -> list[str]:
    found = []
    for task in experiment.training.tasks:
        missing = int(table[COLUMNS[task]].isna().sum())
        if missing:
            role = "they are not tested" if task == experiment.training.tasks[0] else "masked in that task"
            found.append(f"{missing} of {len(table)} utterances have no label for the task {task}: {role}.")
    return found
