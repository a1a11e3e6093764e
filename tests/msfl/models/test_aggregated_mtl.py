"""Aggregated-corpora multitask learning on utterance-level features."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from msfl.models.aggregated_mtl import AggregatedMTL
from msfl.models.contract import MISSING, Dataset, System, TrainedSystem
from msfl.models.multitask import EMBEDDING
from msfl.models.registry import get_system, is_multitask, registry, tasks_of_system
from msfl.tasks import Task

SMALL = {
    "units": 16,
    "depth": 2,
    "dropout": 0.0,
    "input_dropout": 0.0,
    "batch_size": 64,
    "min_steps": 120,
    "epochs": 1,
}
NAMES = ("emotion", "gender", "naturalness")
WIDTH = 100


def planted(count: int, labelled: int, seed: int, strength: float = 1.7) -> Dataset:
    """Four emotions along the two directions in which gender and naturalness shift the features, few of them labelled.

    Each emotion is a pair of shifts: one that nine out of ten speakers of one gender have, and one that nine out of ten
    spontaneous recordings have. Few emotion labels do not teach the directions, all the others do.
    """
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 2, (2, count))
    gender, natural = (np.where(rng.random(count) < 0.1, 1 - one, one) for one in (first, second))
    mark = np.random.default_rng(0).normal(size=(2, WIDTH))
    mark *= strength / np.linalg.norm(mark, axis=1, keepdims=True)
    shifts = 2.0 * np.stack([first, second], axis=1) - 1
    values = (shifts @ mark + rng.normal(size=(count, WIDTH))).astype(np.float32)
    emotion = 2 * first + second
    emotion[labelled:] = MISSING
    return Dataset(
        utterances=np.array([f"c/{row}" for row in range(count)]),
        features=values,
        feature_names=tuple(f"f{column}" for column in range(values.shape[1])),
        tasks=(
            Task("emotion", ("anger", "fear", "joy", "neutral")),
            Task("gender", ("female", "male")),
            Task("naturalness", ("acted", "spontaneous")),
        ),
        targets={
            "emotion": emotion.astype(np.int64),
            "gender": gender.astype(np.int64),
            "naturalness": natural.astype(np.int64),
        },
        language=np.full(count, "de"),
        corpus=np.full(count, "c"),
        speaker=np.array([f"c/{row % 8}" for row in range(count)]),
    )


def accuracy(trained: TrainedSystem, data: Dataset, task: str = "emotion") -> float:
    return float((trained.predict(data).probabilities[task].argmax(1) == data.targets[task]).mean())


def learn(tasks: tuple[str, ...], train: Dataset) -> TrainedSystem:
    """Train a small form; emotion, which few utterances have, weighs three times as much as the other tasks."""
    settings = SMALL | {"units": 8, "depth": 1, "min_steps": 200, "learning_rate": 1e-2}
    balancing = {"name": "fixed", "weights": {"emotion": 3.0}}
    system = AggregatedMTL(tasks=tasks, balancing=balancing, **settings)
    return system.fit(train.with_tasks(("emotion", *tasks)), None, seed=0)


def test_both_tasks_together_help_where_emotion_labels_are_few() -> None:
    train, test = planted(800, 32, seed=1), planted(400, 400, seed=2)
    scores = {
        tasks: accuracy(learn(tasks, train), test.with_tasks(("emotion", *tasks)))
        for tasks in ((), ("gender",), ("naturalness",), ("gender", "naturalness"))
    }
    both, alone = scores["gender", "naturalness"], scores[()]
    assert both > alone + 0.1
    assert both > max(scores["gender",], scores["naturalness",])


def test_four_combinations_are_in_the_registry() -> None:
    expected = {
        "": ("gender", "naturalness"),
        "-gender": ("gender",),
        "-naturalness": ("naturalness",),
        "-single-task": (),
    }
    for form in ("aggregated-mtl", "aggregated-mtl-frames"):
        for ending, tasks in expected.items():
            assert tasks_of_system(form + ending, ("emotion", "language"), {}) == ("emotion", *tasks)
            assert is_multitask(form + ending) == bool(tasks)
            assert registry()[form + ending].seeded
            assert isinstance(get_system(form + ending), System)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return planted(160, 160, seed=3, strength=6.0)


@pytest.fixture(scope="module")
def trained(data: Dataset) -> TrainedSystem:
    return AggregatedMTL(**SMALL | {"min_steps": 60}).fit(data, None, seed=0)


def test_what_it_learns_and_says(trained: TrainedSystem, data: Dataset) -> None:
    prediction = trained.predict(data)
    assert set(prediction.probabilities) == set(NAMES)
    assert prediction.embedding is not None
    assert prediction.embedding.shape == (160, 16)
    assert prediction.attention is None
    assert accuracy(trained, data, "gender") > 0.85
    assert list(trained.history.filter(regex="^loss_").columns) == [f"loss_{name}" for name in NAMES]


def test_penalty_pulls_the_weights_down(data: Dataset) -> None:
    def size(penalty: float) -> float:
        settings = SMALL | {"min_steps": 60, "penalty": penalty}
        network = AggregatedMTL(**settings).fit(data, None, seed=0).network
        return float(np.square(network.get_layer("layer_1").kernel.numpy()).sum())

    assert size(0.3) < 0.5 * size(0.0)


def test_depth_counts_the_layers_up_to_the_shared_one() -> None:
    system = AggregatedMTL(depth=4, units=8)
    network = system.build(system.plan(planted(10, 10, seed=0), 0))
    assert [layer.name for layer in network.layers if layer.name.startswith("layer_")] == [
        "layer_1",
        "layer_2",
        "layer_3",
    ]
    assert network.output[EMBEDDING].shape == (None, 8)
    with pytest.raises(ValueError, match="depth"):
        AggregatedMTL(depth=0)


def test_missing_gender_is_no_gender(data: Dataset) -> None:
    """Half of the gender labels are enough to learn it; without any, the task adds nothing to the loss."""
    rng = np.random.default_rng(0)
    hidden = rng.random(160) < 0.5
    targets = dict(data.targets) | {"gender": np.where(hidden, MISSING, data.targets["gender"])}
    trained = AggregatedMTL(**SMALL).fit(replace(data, targets=targets), None, seed=0)
    assert np.isfinite(trained.history["loss_gender"]).all()
    assert accuracy(trained, data, "gender") > 0.85
    none = dict(data.targets) | {"gender": np.full(160, MISSING)}
    assert (
        AggregatedMTL(**SMALL).fit(replace(data, targets=none), None, seed=0).history["loss_gender"].max()
        == 0
    )


def test_tasks_of_one_class_are_left_out() -> None:
    """One gender, one naturalness: what remains is the single-task network."""
    import pandas as pd

    from msfl.datasets import tasks_of

    table = pd.DataFrame(
        {"emotion": ["anger", "neutral"], "gender": ["female", "female"], "naturalness": ["acted", None]}
    )
    assert [task.name for task in tasks_of(table, NAMES)] == ["emotion"]


def test_fresh_process_predicts_the_same(trained: TrainedSystem, data: Dataset, tmp_path) -> None:
    trained.save(tmp_path)
    np.savez(tmp_path / "data.npz", features=data.features, language=data.language)
    code = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from msfl.models.registry import get_system\n"
        "from dataclasses import make_dataclass\n"
        "folder = Path(sys.argv[1])\n"
        "given = np.load(folder / 'data.npz')\n"
        "kind = make_dataclass('D', ['features', 'language'], namespace={'__len__': lambda d: len(d.features)})\n"
        "data = kind(given['features'], given['language'])\n"
        "found = get_system('aggregated-mtl').load(folder).predict(data)\n"
        "np.savez(folder / 'found.npz', embedding=found.embedding, **found.probabilities)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, timeout=120)
    found, here = np.load(tmp_path / "found.npz"), trained.predict(data)
    for task in NAMES:
        np.testing.assert_allclose(found[task], here.probabilities[task], atol=1e-6)
    np.testing.assert_allclose(found["embedding"], here.embedding, atol=1e-5)
    assert not list(tmp_path.glob("*.pkl"))
