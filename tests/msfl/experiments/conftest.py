"""A small experiment without audio: two languages, four speakers each, features in a table of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from msfl.experiment import Experiment, load_experiment

EMOTIONS = ("anger", "neutral", "sadness")
LANGUAGES = ("de", "it")
FEATURES = tuple(f"f{number}" for number in range(8))


def make_manifest(*, repeats: int = 3, seed: int = 0) -> pd.DataFrame:
    """One row per utterance with its labels and its features; the first two features carry the emotion."""
    rng = np.random.default_rng(seed)
    rows = []
    for language in LANGUAGES:
        for speaker in range(4):
            for code, emotion in enumerate(EMOTIONS):
                for take in range(repeats):
                    values = rng.normal(size=len(FEATURES))
                    values[0] += 6 * code
                    values[1] -= 4 * code * (1 if language == "de" else -1)
                    values[2] += 4 * (language == "it")
                    stem = f"{language}{speaker}{emotion[0]}{take}"
                    rows.append(
                        {
                            "file": f"{stem}.wav",
                            "utterance": stem,
                            "language": language,
                            "speaker": f"{language}{speaker}",
                            "gender": "female" if speaker % 2 else "male",
                            "emotion": emotion,
                            **dict(zip(FEATURES, values, strict=True)),
                        }
                    )
    return pd.DataFrame(rows)


TOML = """
name = "toy"
[corpora]
toy = {{ reader = "manifest", path = "toy.csv" }}
[data]
features_table = "toy.csv"
[protocol]
name = "speaker-kfold:2"
[training]
models = {models}
seeds = {seeds}
"""


@dataclass
class Toy:
    """An experiment on disk, that a test may change."""

    folder: Path
    table: pd.DataFrame

    @property
    def file(self) -> Path:
        return self.folder / "toy.toml"

    @property
    def out(self) -> Path:
        return self.folder / "run"

    def write(
        self, *, models: str = '["logistic-regression", "majority"]', seeds: str = "[0]", extra: str = ""
    ) -> None:
        self.table.to_csv(self.folder / "toy.csv", index=False)
        self.file.write_text(TOML.format(models=models, seeds=seeds) + extra, encoding="utf-8")

    def experiment(self) -> Experiment:
        return load_experiment(self.file)


@contextmanager
def every_seed_trained() -> Iterator[None]:
    """The quick models of these tests stand for networks: each seed is trained, though it changes nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("msfl.preparation._seeds", lambda model, experiment: experiment.training.seeds)
        yield


@pytest.fixture(autouse=True)
def every_seed() -> Iterator[None]:
    """See `every_seed_trained`; for these tests only, not for those that run after them."""
    with every_seed_trained():
        yield


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    made = Toy(tmp_path, make_manifest())
    made.write()
    return made


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """A finished run; tests read it and copy it before they change anything."""
    from msfl.execution import train

    made = Toy(tmp_path_factory.mktemp("trained"), make_manifest())
    made.write(seeds="[0, 1]")
    with every_seed_trained():
        train(made.experiment(), made.out, jobs=1, progress=False)
    return made


@pytest.fixture
def fresh() -> pd.DataFrame:
    """Utterances of the same kind, which no run has seen."""
    return make_manifest(seed=7)


@pytest.fixture
def msfl() -> Callable[..., Any]:
    """Run the command line in this process; the result has the exit code that a shell would see."""
    from click.testing import CliRunner

    from msfl.cli import app
    from msfl.errors import MsflError

    def run(*arguments: object) -> Any:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], standalone_mode=False)
        if isinstance(result.exception, MsflError):
            result.exit_code = result.exception.exit_code
        elif result.exception is None and isinstance(result.return_value, int):
            result.exit_code = result.return_value
        return result

    return run
