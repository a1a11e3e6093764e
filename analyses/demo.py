"""The whole main job on the synthetic demo corpus: speak, extract, train, rank."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msfl.errors import DataError, UsageError

if TYPE_CHECKING:
    from msfl.experiment import Experiment
    from msfl.manifest import JobRecord

CORPUS, EXPERIMENT, RUN = "corpus", "experiment.toml", "run"
"""What lies in the folder of the demo."""
TOP = 100
"""Length of the lists that the demo compares. Four short lists out of 1582 related features rarely name the
same ones; with 100 each, a random feature is in all four with a probability of 1 in 60,000."""

TEXT = """\
# The experiment that `msfl demo` ran, on SYNTHETIC speech: nothing about human speech follows from it.
# Change what you like and run it into a new folder; features are extracted once only:
#   msfl train {file} --out {out}
# `msfl show {file}` checks it and says what it comes to. Every key: docs/experiment.md.

name = "demo"

[corpora]
demo = "corpus"                      # label = path from the folder of this file; the label is the reader's name

[data]
emotions = "all"                     # anger, fear, happiness, neutral, sadness
features = "IS10"                    # 1582 openSMILE features of the INTERSPEECH 2010 challenge
normalisation = "speaker"            # z-scores within each speaker: uses the unlabelled recordings of the test
                                     # speaker. "train" does not, and is harder here: voices differ in pitch

[protocol]
name = "speaker-kfold:{folds}"             # whole speakers, as many of each language in every fold
seed = {seed}                             # everything random derives from it

[training]
language_sets = "monolingual+all"    # de, en and zh alone, and the three together: shared features need both
models = {models}
tasks = ["emotion", "language"]      # the main task first
seeds = 1                            # for real work 3 or more: rankings differ from seed to seed
balancing = "gradnorm"               # how the two losses of `msfl` are weighed

# {epochs} epochs keep the demo short; small batches make up for it, since one language has 150 utterances to
# train on. Leave the tables out to train with the defaults, which suit larger corpora.
{parameters}"""

MODELS = ("msfl", "msfl-single-task", "linear-svm", "majority")
EPOCHS = 15
BATCH = 24
FOLDS = 4


@dataclass(frozen=True)
class Demo:
    """What the demo wrote.

    Attributes:
        folder: Its folder, with `CORPUS`, `EXPERIMENT` and `RUN`.
        planted: Content of ``planted.json``.
        failed: Jobs that failed, with their reasons.
        bad_recordings: Recordings that gave no features.
    """

    folder: Path
    planted: dict[str, Any]
    failed: tuple[JobRecord, ...] = ()
    bad_recordings: int = 0


def experiment_text(
    folder: Path, *, seed: int, epochs: int = EPOCHS, folds: int = FOLDS, models: tuple[str, ...] = MODELS
) -> str:
    """Return the commented experiment file of the demo.

    Args:
        folder: Folder of the demo, for the commands in the comments.
        seed: Seed of the experiment.
        epochs: Epochs of the networks.
        folds: Folds of whole speakers.
        models: Models to train.
    """
    networks = [name for name in models if name.startswith("msfl")]
    return TEXT.format(
        file=folder / EXPERIMENT,
        out=folder / "mine",
        folds=folds,
        seed=seed,
        models=json.dumps(list(models)),
        epochs=epochs,
        parameters="\n".join(
            f"[model.{name}]\nepochs = {epochs}\nbatch_size = {BATCH}\n" for name in networks
        ),
    )


def run_demo(
    folder: Path,
    *,
    seed: int = 0,
    jobs: int | None = None,
    progress: bool = True,
    say: Callable[[str], None] = lambda _: None,
    epochs: int = EPOCHS,
    folds: int = FOLDS,
    models: tuple[str, ...] = MODELS,
) -> Demo:
    """Speak the corpus, write the experiment file, extract features, train and test; continue what is there.

    Args:
        folder: Folder of the demo, new or begun before.
        seed: Seed of the corpus and of the experiment.
        jobs: Number of processes; by default one per core.
        progress: Whether to show progress bars on stderr.
        say: Receives one sentence per step.
        epochs: Epochs of the networks.
        folds: Folds of whole speakers.
        models: Models to train.

    Raises:
        UsageError: The extra `demo` is not installed, or the folder holds the demo of another seed.
        DataError: The folder is a file, or holds something else where the demo would write.
    """
    import tomllib

    from msfl.corpora.demo import make
    from msfl.execution import train
    from msfl.experiment import parse_experiment

    _check(folder, seed)
    say("1/3 Corpus: SYNTHETIC speech by espeak-ng; nothing about human speech follows from it")
    make(folder / CORPUS, seed=seed, progress=progress)
    text = experiment_text(folder, seed=seed, epochs=epochs, folds=folds, models=models)
    file = folder / EXPERIMENT
    if not file.exists():
        file.write_text(text, encoding="utf-8")
    elif file.read_text(encoding="utf-8") != text:
        say(f"{file} is not as the demo wrote it: it stays as it is, and the demo runs its own")
    planted = json.loads((folder / CORPUS / "planted.json").read_text(encoding="utf-8"))
    experiment = parse_experiment(tomllib.loads(text), folder=folder.resolve(), where=str(file))
    if _finished(folder / RUN, experiment):
        say(f"2/3 Features, 3/3 training and testing: finished already, see {folder / RUN}")
        return Demo(folder, planted)
    say(f"2/3 Features, 3/3 training and testing: {file}")
    outcome = train(experiment, folder / RUN, jobs=jobs, progress=progress, say=say)
    return Demo(folder, planted, outcome.failed, outcome.bad_recordings)


def _finished(run: Path, experiment: Experiment) -> bool:
    """Whether this run is whole already: `train` would load TensorFlow to find nothing to do."""
    from msfl.assembly import is_assembled
    from msfl.runs import open_run

    try:
        found = open_run(run)
        failures = found.manifest.data.failures + sum(job.status != "done" for job in found.jobs)
    except DataError:
        return False  # `train` begins it, or says what is wrong with it
    same = found.manifest.experiment == experiment.model_dump(mode="json")
    return same and not failures and is_assembled(run)


def _check(folder: Path, seed: int) -> None:
    """Refuse a folder that cannot take the demo, before anything is written."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"'{folder}' is a file: give --out a folder.")
    marker = folder / CORPUS / "planted.json"
    if not marker.is_file():
        return
    try:
        before = json.loads(marker.read_text(encoding="utf-8")).get("seed", seed)
    except (ValueError, AttributeError):
        return  # the corpus says what is wrong with it
    if before != seed:
        raise UsageError(
            f"'{folder}' holds the demo of seed {before}: give --out another folder for seed {seed}, or "
            f"--seed {before} to continue it."
        )
