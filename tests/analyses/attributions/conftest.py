"""Models whose attributions are known in closed form, and a small finished run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses.attributions.contract import Subject
from msfl.manifest import JobRecord, TaskInfo
from msfl.models.contract import Dataset, Prediction
from msfl.tasks import Task

TASK = Task("emotion", ("anger", "neutral"))
NAMES = (
    "F0final_sma_amean",
    "F0final_sma_stddev",
    "F0final_sma_de_amean",
    "pcm_loudness_sma_amean",
    "mfcc_sma[0]_amean",
    "mfcc_sma[1]_amean",
)
"""Six features: three of one contour (pitch), one of loudness, two contours of the cepstrum."""


def make_data(count: int, features: int = len(NAMES), seed: int = 0) -> Dataset:
    """Random utterances of two emotions in two languages, each with a corpus of its own."""
    rng = np.random.default_rng(seed)
    names = NAMES if features == len(NAMES) else tuple(f"f{column}" for column in range(features))
    language = np.where(np.arange(count) % 2 == 0, "de", "it")
    return Dataset(
        utterances=np.array([f"{tag}corpus/{row + 1000 * seed}" for row, tag in enumerate(language)]),
        features=rng.normal(0.2, 1.0, size=(count, features)).astype(np.float32),
        feature_names=names,
        tasks=(TASK,),
        targets={"emotion": (np.arange(count) // 2 % 2).astype(np.int64)},
        language=language,
        corpus=np.char.add(language, "corpus"),
        speaker=np.array([f"{tag}corpus/{row % 6}" for row, tag in enumerate(language)]),
    )


@dataclass
class Function:
    """A trained system that is a plain function of the features: the probability of the second class."""

    formula: Callable[[np.ndarray], np.ndarray]
    history: pd.DataFrame = field(default_factory=pd.DataFrame)

    def predict(self, data: Dataset) -> Prediction:
        second = self.formula(data.features.astype(np.float64))
        return Prediction({"emotion": np.stack([1 - second, second], axis=1).astype(np.float32)})

    def save(self, folder: Path) -> None:
        raise AssertionError("tests do not save it")


def make_subject(system: Any, train: Dataset, test: Dataset, *, model: str = "toy") -> Subject:
    record = JobRecord(
        id="all--toy--fold-01--0--0123abcd",
        language_set="all",
        languages=("de", "it"),
        model=model,
        fold="fold-01",
        seed=0,
        status="done",
        derived_seed=1,
        tasks=tuple(TaskInfo(name=task.name, classes=task.classes) for task in train.tasks),
        seconds=0.0,
        started="",
    )
    return Subject(record, train, test, test, load=lambda: system)


@pytest.fixture(scope="session")
def tools() -> SimpleNamespace:
    """What the tests of several files make their models and data with."""
    return SimpleNamespace(make_data=make_data, make_subject=make_subject, Function=Function, names=NAMES)


@pytest.fixture
def subject() -> Callable[..., Subject]:
    """Make what is explained out of a function of the features."""

    def make(formula: Callable[[np.ndarray], np.ndarray], *, rows: int = 3) -> Subject:
        return make_subject(Function(formula), make_data(40, seed=1), make_data(rows, seed=2))

    return make


TOML = """
[training]
models = ["msfl", "linear-svm", "majority"]
seeds = [0]
language_sets = "all"
[model.msfl]
members = 2
units = 2
step = 2
size = 4
epochs = 2
"""


@pytest.fixture(scope="session")
def toy_run(make_toy: Callable[..., Path]) -> Path:
    """A finished run: two languages, four speakers each, six features, three models; read only."""
    planted = {NAMES[0]: (0, 3, 6), NAMES[3]: (0, -2, -4)}
    return make_toy(TOML, NAMES, takes=2, planted=planted)


@pytest.fixture
def own_run(toy_run: Path, tmp_path: Path) -> Path:
    """A copy of the run that a test may write into."""
    import shutil

    return Path(shutil.copytree(toy_run, tmp_path / "run"))
