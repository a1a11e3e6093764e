"""From an experiment to a run folder that is ready to train, or to be continued: corpora, features, folds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msfl.atomic import write_json, write_parquet
from msfl.errors import DataError
from msfl.feature_source import Features, load_features
from msfl.grid import Job, LanguageSet, language_sets
from msfl.manifest import (
    DataInfo,
    FeatureInfo,
    Manifest,
    ProtocolInfo,
    read_manifest,
    versions,
)
from msfl.runs import FAILURES, FEATURES, JOBS, SEQUENCES, SPLITS, UTTERANCES
from msfl.selection import CONTENT, load_table, select, warnings
from msfl.sequences.source import kinds_of, load_sequences
from msfl.tasks import COLUMNS
from msfl.unlearnt import never_learnt

if TYPE_CHECKING:
    import pandas as pd

    from msfl.experiment import Experiment

GROWING = ("models", "language_sets", "seeds")
"""Keys of ``[training]`` to which a run folder may add: what is trained already stays as it is."""
_OWN_FILES = {UTTERANCES, FEATURES, SEQUENCES, SPLITS, FAILURES, JOBS, ".lock"}
_IDENTITY = ("corpus", "language", "speaker", "normalisation", CONTENT, *COLUMNS.values())
"""Columns of the utterance table on which results depend."""


@dataclass(frozen=True)
class Plan:
    """What an experiment comes to, once the data are known.

    Attributes:
        table: The utterances that take part.
        splits: Columns fold, part, utterance.
        sets: The language sets.
        jobs: The jobs of the grid, the longest first.
        costs: Estimated cost of each job, in the same order.
        warnings: What a reviewer would ask about.
    """

    table: pd.DataFrame
    splits: pd.DataFrame
    sets: tuple[LanguageSet, ...]
    jobs: tuple[Job, ...]
    costs: tuple[float, ...]
    warnings: tuple[str, ...]

    @property
    def folds(self) -> tuple[str, ...]:
        """Names of the folds."""
        return tuple(dict.fromkeys(self.splits["fold"]))


def make_plan(experiment: Experiment, table: pd.DataFrame) -> Plan:
    """Work out folds, language sets and jobs.

    Args:
        experiment: The experiment.
        table: The utterances that take part; the column `CONTENT`, where it is there, holds hashes that find
            duplicates.

    Raises:
        UsageError: An unknown model, parameter or language.
        DataError: The protocol does not fit the data, or there is nothing to train.
    """
    from msfl.jobs import system_parameters
    from msfl.protocols import explain_left_out, make_folds, to_frame

    for model in experiment.training.models:
        system_parameters(experiment, model)
    duplicates = table[CONTENT].dropna() if CONTENT in table else None
    folds = make_folds(table, experiment.protocol.name, seed=experiment.protocol.seed, duplicates=duplicates)
    sets = language_sets(experiment.training.language_sets, table["language"])
    sizes = {
        (group, fold.name): _train_size(fold, table, group, experiment) for group in sets for fold in folds
    }
    empty = [group.name for group in sets if not any(sizes[group, fold.name] for fold in folds)]
    notes = [
        f"The language set '{name}' has nothing to train on or nothing to test under "
        f"{experiment.protocol.name}: left out."
        for name in empty
    ]
    jobs = {
        Job(group, model, fold, seed): size * _effort(model)
        for (group, fold), size in sizes.items()
        if size
        for model in experiment.training.models
        for seed in _seeds(model, experiment)
    }
    if not jobs:
        raise DataError(
            " ".join([*notes, "There is nothing to train: choose other language sets or another protocol."])
        )
    ordered = sorted(jobs, key=lambda job: (-jobs[job], job.id))
    left_out = [sentence for fold in folds for sentence in explain_left_out(fold, table)]
    return Plan(
        table=table,
        splits=to_frame(folds),
        sets=tuple(group for group in sets if group.name not in empty),
        jobs=tuple(ordered),
        costs=tuple(jobs[job] for job in ordered),
        warnings=(
            *warnings(table, experiment),
            *notes,
            *left_out,
            *never_learnt(experiment, table, folds, sets),
        ),
    )


def _train_size(fold: Any, table: pd.DataFrame, group: LanguageSet, experiment: Experiment) -> int:
    """Return the number of training utterances; 0 where nothing labelled is left to train on or to test."""
    from msfl.protocols import restrict

    small = restrict(fold, table, group.languages)
    if small is None:
        return 0
    labels = table[COLUMNS[experiment.training.tasks[0]]]
    labelled = labels[small.train].notna().any() and labels[small.test].notna().any()
    return len(small.train) if labelled else 0


def _seeds(model: str, experiment: Experiment) -> tuple[int, ...]:
    """Return the seeds of a model; one is enough where all would give the same."""
    from msfl.models.registry import get_entry

    seeds = experiment.training.seeds
    hidden = experiment.data.labelled < 1  # another seed shows other labels
    return seeds if hidden or get_entry(model).seeded else seeds[:1]


def _effort(model: str) -> float:
    """Return about how much longer an utterance takes in a network than in a baseline."""
    from msfl.models.registry import is_baseline

    return 1.0 if is_baseline(model) else 100.0


def prepare(
    experiment: Experiment,
    out: Path,
    *,
    jobs: int | None = None,
    progress: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Manifest, Plan]:
    """Make a run folder ready, or make sure that an existing one has the same experiment and data.

    Args:
        experiment: The experiment.
        out: The run folder; it may exist already.
        jobs: Number of workers that extract features.
        progress: Whether to show a progress bar.
        say: Receives one sentence per step.

    Raises:
        DataError: The folder is foreign or holds another experiment; the data cannot be used.
        UsageError: The experiment asks for something that does not exist.
    """
    known = existing(out)
    if known is not None:
        refuse_other_experiment(known, experiment, out)
        experiment = _old_seeds_first(known, experiment)
    table = select(load_table(experiment, say), experiment)
    say(f"{len(table)} utterances, languages: {', '.join(table['language'].unique())}")
    features = load_features(table, experiment, jobs=jobs, progress=progress)
    table = table.loc[features.values.index]
    sequences = load_sequences(table, kinds_of(experiment.training.models), jobs=jobs, progress=progress)
    features = _with_failures(features, [one.failures for one in sequences.values()])
    for one in sequences.values():
        table = table[table.index.isin(one.table.index)]
    table = select(table, experiment)
    table[CONTENT] = features.hashes.reindex(table.index).astype("string")
    if experiment.data.features_table is None:
        table = with_headers(table)
    plan = make_plan(experiment, table)
    manifest = _manifest(experiment, plan, features, known)
    if known is None:
        _write_data(out, plan, features)
    else:
        _refuse_other_data(known, manifest, plan, out)
    for kind, one in sequences.items():
        (out / SEQUENCES).mkdir(exist_ok=True)
        write_parquet(
            out / SEQUENCES / f"{kind}.parquet", one.table.loc[plan.table.index].reset_index(), index=False
        )
    if known is None or known.experiment != manifest.experiment:
        write_json(out / "manifest.json", manifest.model_dump())
    return manifest, plan


def _with_failures(features: Features, more: list[pd.DataFrame]) -> Features:
    """Add the recordings that gave features, and no frames."""
    import pandas as pd

    if all(failures.empty for failures in more):
        return features
    failures = pd.concat([features.failures, *more], ignore_index=True)
    return replace(features, failures=failures.drop_duplicates("utterance", ignore_index=True))


def with_headers(table: pd.DataFrame) -> pd.DataFrame:
    """Fill duration, sampling rate, channels and encoding from the headers of the recordings."""
    import pandas as pd

    from msfl.audio import probe
    from msfl.corpora.table import validate

    found = {str(key): asdict(probe(file)) for key, file in table["file"].items()}
    headers = pd.DataFrame.from_dict(found, orient="index")
    table = table.drop(columns=headers.columns.intersection(table.columns))
    return validate(table.join(headers))


def existing(out: Path) -> Manifest | None:
    """Return the manifest of a run folder that is there already; None for a new or barely begun one.

    Raises:
        DataError: The folder holds something else, or a damaged or newer run.
    """
    if not out.exists():
        return None
    if not out.is_dir():
        raise DataError(f"{out} is a file; give --out a folder.")
    if (out / "manifest.json").is_file():
        return read_manifest(out)
    foreign = sorted(
        item.name for item in out.iterdir() if item.name not in _OWN_FILES and not item.name.endswith(".tmp")
    )
    if foreign:
        raise DataError(
            f"{out} is not empty and no run folder (it holds '{foreign[0]}'); give --out another folder."
        )
    return None


def refuse_other_experiment(known: Manifest, experiment: Experiment, out: Path) -> None:
    """Make sure that what is trained already would be trained the same way now.

    Models, language sets and seeds may be added (`GROWING`), and corpora may have moved.

    Raises:
        DataError: Another key differs; the sentence names it with both values.
    """
    old, new = _flat(_comparable(known.experiment)), _flat(_comparable(experiment.model_dump(mode="json")))
    old_models = known.experiment.get("training", {}).get("models", [])
    # What the run trains first: a model that is gone takes its table of parameters along.
    for key in sorted(old.keys() | new.keys(), key=lambda key: (not key.startswith("training."), key)):
        was, now = old.get(key), new.get(key)
        section, _, rest = key.partition(".")
        added = section == "model" and key not in old and not _trained(rest, old_models)
        if was == now or added:
            continue
        grows = section == "training" and rest in GROWING
        if grows and set(was or []) <= set(now or []):
            continue
        hint = f" A run can get more {rest}, and keeps those that it has." if grows else ""
        raise DataError(
            f"{out} holds another experiment: {key} was {was!r} and is {now!r} now.{hint} Give --out another "
            f"folder, or delete {out} to begin again."
        )


def _old_seeds_first(known: Manifest, experiment: Experiment) -> Experiment:
    """Keep the first seed first: models that no seed changes are trained with that one, and not once more."""
    old = tuple(known.experiment.get("training", {}).get("seeds", ()))
    seeds = (*old, *(seed for seed in experiment.training.seeds if seed not in old))
    return experiment.model_copy(update={"training": experiment.training.model_copy(update={"seeds": seeds})})


def _trained(rest: str, models: list[str]) -> bool:
    return any(rest == model or rest.startswith(f"{model}.") for model in models)


def _comparable(experiment: dict[str, Any]) -> dict[str, Any]:
    """Leave out where the corpora lie (the fingerprint tells of changes) and the rule for language sets."""
    corpora = {
        label: {key: value for key, value in source.items() if key != "path"}
        for label, source in experiment.get("corpora", {}).items()
    }
    training = {key: value for key, value in experiment.get("training", {}).items() if key != "language_sets"}
    data = dict(experiment.get("data", {}))
    data["features_table"] = "given" if data.get("features_table") else None
    data.setdefault("labelled", 1.0)  # a run of an msfl that could not hide labels
    return {**experiment, "corpora": corpora, "training": training, "data": data}


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and (
            value or prefix in ("", "model.")
        ):  # no table, or an empty one: the same
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = list(value) if isinstance(value, tuple) else value
    return flat


def _refuse_other_data(known: Manifest, manifest: Manifest, plan: Plan, out: Path) -> None:
    same_data = known.data.fingerprint == manifest.data.fingerprint
    if not (same_data and known.features.fingerprint == manifest.features.fingerprint):
        raise DataError(
            f"{out} was made from other data: {_difference(out, plan.table)}. Give --out another folder, or "
            f"delete {out} to begin again."
        )
    for name, languages in known.language_sets.items():
        if manifest.language_sets.get(name) != languages:
            raise DataError(
                f"{out} holds the language set '{name}', which training.language_sets does not ask for any "
                f"more. Give --out another folder, or delete {out} to begin again."
            )


def _difference(out: Path, table: pd.DataFrame) -> str:
    """Say what changed between the utterances of a run and those of now."""
    import pandas as pd

    old = pd.read_parquet(out / UTTERANCES).set_index("utterance")
    added, gone = table.index.difference(old.index), old.index.difference(table.index)
    if len(added) or len(gone):
        example = (added if len(added) else gone)[0]
        return f"{len(added)} utterances are new and {len(gone)} are gone, for instance {example}"
    for column in _IDENTITY:
        now, was = table[column].astype("string").fillna(""), old[column].astype("string").fillna("")
        changed = now.index[(now != was.reindex(now.index)).to_numpy()]
        if len(changed):
            what = "recording" if column == CONTENT else column
            return f"the {what} of {len(changed)} utterances changed, for instance of {changed[0]}"
    return "the features changed"


def _manifest(experiment: Experiment, plan: Plan, features: Features, known: Manifest | None) -> Manifest:
    from msfl.protocols import describe, is_speaker_independent

    protocol = experiment.protocol
    return Manifest(
        msfl_version=versions()["msfl"],
        name=experiment.name,
        created=known.created if known else datetime.now(UTC).isoformat(timespec="seconds"),
        experiment=experiment.model_dump(mode="json"),
        versions=versions(),
        features=FeatureInfo(
            set=features.set, count=features.values.shape[1], fingerprint=features.fingerprint
        ),
        data=DataInfo(
            utterances=len(plan.table),
            fingerprint=_fingerprint(plan.table),
            failures=len(features.failures),
            synthetic=bool((plan.table["naturalness"] == "synthetic").any()),
        ),
        protocol=ProtocolInfo(
            name=protocol.name,
            seed=protocol.seed,
            title=describe(protocol.name),
            speaker_independent=is_speaker_independent(protocol.name),
        ),
        normalisation=normalisation_title(plan.table),
        language_sets={group.name: group.languages for group in plan.sets},
        folds=plan.folds,
        warnings=plan.warnings,
    )


def normalisation_title(table: pd.DataFrame) -> str:
    """Return how features are normalised, in the words that stand beside every number."""
    from msfl.features.normalisation import KINDS, Scaler
    from msfl.selection import normalisation

    kind = normalisation(table)
    return f"{kind}: {KINDS[kind]}" if isinstance(kind, str) else Scaler(kind).description


def _fingerprint(table: pd.DataFrame) -> str:
    """Hash what results depend on: ids, labels, speakers and sound; not where the files lie."""
    columns = [name for name in dict.fromkeys(_IDENTITY) if name in table]
    text = table.sort_index()[columns].astype("string").fillna("").to_csv(lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()


def _write_data(out: Path, plan: Plan, features: Features) -> None:
    (out / JOBS).mkdir(parents=True, exist_ok=True)
    write_parquet(out / UTTERANCES, plan.table.reset_index(), index=False)
    values = features.values.loc[plan.table.index].reset_index(names="utterance")
    write_parquet(out / FEATURES, values, index=False)
    write_parquet(out / SPLITS, plan.splits, index=False)
    write_parquet(out / FAILURES, features.failures, index=False)
