"""New recordings through the models of a run: emotion, language, and the features with the most attention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from msfl.errors import DataError, UsageError, nearest
from msfl.sequences.source import kinds_of, load_sequences

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from msfl.manifest import JobRecord
    from msfl.runs import Run

CORPUS = "new"
"""Label of the corpus that new recordings make up: they are normalised as an unseen corpus."""
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".au")


@dataclass(frozen=True)
class Predicted:
    """What the models of a run say about new recordings.

    Attributes:
        table: Index ``utterance``; columns file, per task its class and the probability of it (``emotion``,
            ``emotion_probability``, ...), and one column ``p_<task>_<class>`` per class.
        attention: Mean attention weights, index ``utterance``, one column per feature; None where the model
            has none.
        failures: Columns utterance, file, reason.
        model: The model that was used.
        language_set: Its language set.
        members: Number of trained models that were averaged.
        normalisation: What was done to the features, in words.
    """

    table: pd.DataFrame
    attention: pd.DataFrame | None
    failures: pd.DataFrame
    model: str
    language_set: str
    members: int
    normalisation: str

    def top(self, utterance: str, number: int) -> list[tuple[str, float]]:
        """Return the features of an utterance with the most attention, and their weights."""
        if self.attention is None:
            return []
        weights = self.attention.to_numpy()[self.attention.index.get_loc(utterance)]
        best = np.argsort(-weights, kind="stable")[:number]
        return [(str(self.attention.columns[place]), float(weights[place])) for place in best]


def collect(arguments: Iterable[str]) -> list[Path]:
    """Expand files, folders (searched through) and lists (``@list.txt``, one path a line) into recordings.

    Raises:
        UsageError: A list does not exist, or nothing is left.
    """
    found: list[Path] = []
    for argument in arguments:
        if argument.startswith("@"):
            found += _listed(Path(argument[1:]))
        else:
            path = Path(argument)
            found += _inside(path) if path.is_dir() else [path]
    unique = list(dict.fromkeys(found))
    if not unique:
        raise UsageError(f"There are no recordings there (looked for {', '.join(SUFFIXES)}).")
    return unique


def _listed(file: Path) -> list[Path]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise UsageError(
            f"The list '{file}' cannot be read; give a text file with one path a line."
        ) from None
    return [file.parent / line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _inside(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def table_of(
    files: Sequence[Path], *, language: str | None = None, speaker: str | None = None
) -> pd.DataFrame:
    """Return the utterance table of new recordings, which has no labels.

    Args:
        files: The recordings.
        language: Their language, where it is known.
        speaker: Their speaker, where all are by one.
    """
    width = len(str(len(files)))
    names = [f"{number:0{width}d}-{file.stem}" for number, file in enumerate(files, start=1)]
    return _unlabelled(names, [str(file.absolute()) for file in files], language, speaker)


def table_of_features(
    features_table: Path, *, language: str | None = None, speaker: str | None = None
) -> pd.DataFrame:
    """Return the utterance table of the recordings that a features table names; see `table_of`.

    Raises:
        DataError: The table cannot be read, or names nothing.
    """
    from msfl.feature_source import names_in

    names, files = names_in(features_table)
    return _unlabelled(names, files, language, speaker)


def _unlabelled(
    names: Sequence[str], files: Sequence[str], language: str | None, speaker: str | None
) -> pd.DataFrame:
    import pandas as pd

    from msfl.corpora.table import DTYPES

    frame = pd.DataFrame(
        {"file": files}, index=pd.Index([f"{CORPUS}/{name}" for name in names], name="utterance")
    )
    frame = frame.reindex(columns=list(DTYPES))
    frame["corpus"] = CORPUS
    frame["language"] = language
    frame["speaker"] = f"{CORPUS}/{speaker}" if speaker else None
    return frame.astype(DTYPES)


def choose_jobs(run: Run, model: str | None = None, language_set: str | None = None) -> list[JobRecord]:
    """Return the finished jobs whose models are averaged: one model, one language set, all folds and seeds.

    By default the first model of the experiment that has attention, on its largest language set.

    Raises:
        UsageError: The run has no such model or language set.
        DataError: No job of it is finished.
    """
    done = [record for record in run.jobs if record.status == "done"]
    if not done:
        raise DataError(f"{run.path} holds no finished model. Repeat its `msfl train`.")
    order = [name for name in run.experiment.training.models if any(job.model == name for job in done)]
    if model is None:
        attentive = [name for name in order if any(job.model == name and job.attention for job in done)]
        model = (attentive or order)[0]
    elif model not in order:
        raise UsageError(
            f"{run.path} holds no finished model '{model}' (there are "
            f"{', '.join(order)}).{nearest(model, order)}"
        )
    mine = [job for job in done if job.model == model]
    if language_set is None:
        language_set = max(mine, key=lambda job: (len(job.languages), job.language_set)).language_set
    run.language_set(language_set)
    chosen = [job for job in mine if job.language_set == language_set]
    if not chosen:
        raise DataError(f"{run.path}: no model '{model}' of the language set '{language_set}' is finished.")
    return chosen


def predict(
    run: Run,
    table: pd.DataFrame,
    *,
    model: str | None = None,
    language_set: str | None = None,
    features_table: Path | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> Predicted:
    """Predict new recordings with the average over the models of all folds and seeds.

    Args:
        run: The run folder.
        table: Utterance table of the recordings, see `table_of`. Under speaker normalisation the recordings
            of a speaker are normalised together: give them in one call.
        model: Name of the model; see `choose_jobs`.
        language_set: The languages it was trained on; by default the largest set.
        features_table: Features of one's own, for runs that were trained on such a table.
        jobs: Number of threads that extract features.
        progress: Whether to show a progress bar.

    Raises:
        UsageError: Unknown model or language set, or a features table is missing or not wanted.
        DataError: The features do not fit the run, or the run is damaged.
    """
    import pandas as pd
    from rich.console import Console
    from rich.progress import track

    chosen = choose_jobs(run, model, language_set)
    features, failures = _features(run, table, features_table, jobs, progress)
    kinds = kinds_of([chosen[0].model])
    sequences = load_sequences(
        table.loc[features.index], kinds if len(features) else (), jobs=jobs, progress=progress
    )
    for one in sequences.values():
        failures = pd.concat([failures, one.failures], ignore_index=True)
        features = features[features.index.isin(one.table.index)]
    if features.empty:
        return Predicted(
            table=pd.DataFrame({"file": []}, index=features.index),
            attention=None,
            failures=failures,
            model=chosen[0].model,
            language_set=chosen[0].language_set,
            members=len(chosen),
            normalisation=chosen[0].normalisation,
        )
    table = table.loc[features.index]
    average = _Average(len(table), features.shape[1])
    console = Console(stderr=True)
    shown = progress and console.is_terminal
    for job in track(chosen, "predicting", console=console, disable=not shown, transient=True):
        average.add(run, job, features, table, {kind: one.table for kind, one in sequences.items()})
    columns: dict[str, NDArray[np.generic]] = {"file": table["file"].to_numpy(dtype=object)}
    for task, classes in average.classes().items():
        probabilities = average.probabilities(task)
        columns[task] = np.array(classes, dtype=object)[probabilities.argmax(axis=1)]
        columns[f"{task}_probability"] = probabilities.max(axis=1)
        columns |= {f"p_{task}_{name}": probabilities[:, i] for i, name in enumerate(classes)}
    weights = average.attention()
    return Predicted(
        table=pd.DataFrame(columns, index=table.index),
        attention=None
        if weights is None
        else pd.DataFrame(weights, index=table.index, columns=features.columns),
        failures=failures,
        model=chosen[0].model,
        language_set=chosen[0].language_set,
        members=len(chosen),
        normalisation=_normalisation(run, chosen[0], len(table)),
    )


def _features(
    run: Run, table: pd.DataFrame, own: Path | None, jobs: int | None, progress: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    from msfl.feature_source import OWN_TABLE, extracted, from_table

    trained_on = run.manifest.features.set
    if own is not None:
        found = from_table(own, table, only=run.feature_names)
    elif trained_on == OWN_TABLE:
        raise UsageError(
            f"{run.path} was trained on features of your own; give those of the new recordings with "
            "--features-table."
        )
    else:
        found = extracted(table, trained_on, jobs, progress)
    if found.values.empty:
        return found.values, found.failures
    absent = [name for name in run.feature_names if name not in found.values]
    if absent:
        raise DataError(
            f"The features of the new recordings lack {len(absent)} that {run.path} was trained on, such as "
            f"'{absent[0]}'."
        )
    return found.values[list(run.feature_names)], found.failures


def _normalisation(run: Run, job: JobRecord, recordings: int) -> str:
    from msfl.features.normalisation import MINIMUM

    if run.load_scaler(job).kind == "train" or recordings >= MINIMUM:
        return job.normalisation
    return f"{job.normalisation}. Fewer than {MINIMUM} recordings: by the training part instead"


class _Average:
    """Running means of probabilities and attention over the models of one system."""

    def __init__(self, rows: int, features: int) -> None:
        self.rows = rows
        self.members = 0
        self._sums: dict[str, dict[str, NDArray[np.float64]]] = {}
        self._attention = np.zeros((rows, features))
        self._attentive = 0

    def add(
        self,
        run: Run,
        job: JobRecord,
        features: pd.DataFrame,
        table: pd.DataFrame,
        sequences: Mapping[str, pd.DataFrame],
    ) -> None:
        """Add the predictions of one trained model."""
        from msfl.datasets import make_dataset
        from msfl.sequences.sequences import make_sequences

        values = run.load_scaler(job).transform(features, table)
        frames = {
            kind: make_sequences(kind, one.loc[table.index], run.load_frame_scaler(job, kind), table)
            for kind, one in sequences.items()
        }
        # Speakers are those of the training part, among whom a new recording's is not.
        tasks = tuple(info.task() for info in job.tasks if info.name != "speaker")
        data = make_dataset(table, values, run.feature_names, tasks, frames)
        prediction = run.load_system(job).predict(data)
        for task in tasks:
            sums = self._sums.setdefault(task.name, {})
            for position, name in enumerate(task.classes):
                sums[name] = (
                    sums.get(name, np.zeros(self.rows)) + prediction.probabilities[task.name][:, position]
                )
        if prediction.attention is not None:
            self._attention += prediction.attention
            self._attentive += 1
        self.members += 1

    def classes(self) -> dict[str, tuple[str, ...]]:
        """Return task -> classes, sorted."""
        return {task: tuple(sorted(sums)) for task, sums in self._sums.items()}

    def probabilities(self, task: str) -> NDArray[np.float32]:
        """Return mean probabilities, shape (n, K); a class that a model does not know counts as 0 there."""
        stacked = np.stack([self._sums[task][name] for name in sorted(self._sums[task])], axis=1)
        mean: NDArray[np.float32] = (stacked / stacked.sum(axis=1, keepdims=True)).astype(np.float32)
        return mean

    def attention(self) -> NDArray[np.float32] | None:
        """Return mean attention weights, shape (n, D)."""
        return (self._attention / self._attentive).astype(np.float32) if self._attentive else None
