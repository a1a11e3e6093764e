"""What all multitask networks share: streams, masks, tasks, checkpoints, files."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from msfl.balancing import make_balancer
from msfl.models.contract import MISSING, Dataset
from msfl.models.mtl_cnn import MTLCNN
from msfl.models.multitask import EMBEDDING, SHARED, MultitaskSystem
from msfl.models.sequence_layers import StatisticsPooling, sequence_input, shared_layer, task_heads
from msfl.models.stream import Stream
from msfl.sequences.cache import SequenceCache, SequenceEntry
from msfl.sequences.kinds import KINDS
from msfl.sequences.sequences import Sequences
from msfl.tasks import Task
from msfl.training import Schedule, fit_network

EMOTION, GENDER = Task("emotion", ("a", "b")), Task("gender", ("female", "male"))
AROUSAL = Task("arousal", ("low", "high"))
SMALL = {"channels": (4, 8), "kernels": (5, 3), "strides": (4, 2), "size": 8, "batch_size": 8, "dropout": 0.0}


def make_data(folder, count=48, tasks=(EMOTION, GENDER), seed=0):
    """Noise, louder in the lower half of the bands early (a) or late (b); gender is the level of the upper half."""
    rng = np.random.default_rng(seed)
    cache = SequenceCache(folder, KINDS["log-mel"])
    emotion, gender = np.arange(count) % 2, np.arange(count) // 2 % 2
    lengths = rng.integers(24, 60, count)
    keys = [f"{seed:032x}{place:032x}" for place in range(count)]
    for key, one, sex, length in zip(keys, emotion, gender, lengths, strict=True):
        frames = rng.normal(0, 0.5, (length, 64)).astype(np.float32)
        half = slice(0, length // 2) if one == 0 else slice(length // 2, None)
        frames[half, :16] += 2
        frames[:, 40:] += 2 * sex - 1
        frames[:, :16] += 0.02 * np.arange(length)[:, None]
        cache.put(key, SequenceEntry(frames, "00" * 32))
    sequences = Sequences(
        kind="log-mel",
        keys=np.array(keys),
        frames=lengths.astype(np.int64),
        centre=np.zeros((count, 64), np.float32),
        factor=np.ones((count, 64), np.float32),
        folder=folder,
    )
    targets = {"emotion": emotion.astype(np.int64), "gender": gender.astype(np.int64)}
    return Dataset(
        utterances=np.array([f"u{place}" for place in range(count)]),
        features=rng.normal(size=(count, 3)).astype(np.float32),
        feature_names=("x", "y", "z"),
        tasks=tasks,
        targets={task.name: targets[task.name] for task in tasks},
        language=np.array(["de"] * count),
        corpus=np.array(["c"] * count),
        speaker=np.array([f"s{place % 4}" for place in range(count)]),
        sequences={"log-mel": sequences},
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("frames"))


@pytest.fixture(scope="module")
def trained(data):
    return MTLCNN(epochs=3, **SMALL).fit(data, None, seed=1)


class OnFeatures(MultitaskSystem):
    """The smallest system: a layer over features."""

    name, paper, summary = "on-features", "none", "a layer over features"

    def __init__(self, *, tasks=("gender",), epochs=3, early_stopping=0):
        super().__init__(
            tasks=tasks, epochs=epochs, batch_size=8, learning_rate=1e-2, early_stopping=early_stopping
        )

    def build(self, plan):
        features = keras.Input((plan.widths["features"],), name="features")
        _, shared = shared_layer(plan, 6, 0.0, features)
        return keras.Model([features], task_heads(plan, lambda _: shared))


def test_a_stream_trains_as_memory_does(tmp_path):
    """Recordings of one length make one batch per epoch: then both ways see the same rows together."""
    data = make_data(tmp_path, count=8)
    data = replace(data, sequences={"log-mel": replace(data.sequences["log-mel"], frames=np.full(8, 24))})
    stream = Stream(data.sequences, longest=10.0)
    rows = np.arange(8)
    read = stream.read(rows)
    plan = MTLCNN(**SMALL).plan(data, 0)
    schedule = Schedule(epochs=3, batch_size=8, learning_rate=1e-3)

    def weights(inputs, stream):
        spectrogram, frames = sequence_input(plan, "log-mel")
        pooled = StatisticsPooling()(spectrogram, frames)
        _, shared = shared_layer(plan, 5, 0.0, pooled)
        network = keras.Model([spectrogram, frames], task_heads(plan, lambda _: shared))
        fit_network(
            network,
            inputs,
            data,
            schedule=schedule,
            balancer=make_balancer(name="fixed"),
            shared=[network.get_layer(SHARED).kernel],
            seed=0,
            stream=stream,
        )
        return network.get_weights()

    for one, other in zip(weights({}, stream), weights(read, None), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_a_saved_network_says_the_same_in_a_fresh_process(trained, data, tmp_path):
    trained.save(tmp_path)
    rows = np.array([3, 0, 7])
    inputs = Stream(data.sequences, 10.0).read(rows)
    np.savez(tmp_path / "inputs.npz", **inputs)
    code = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from msfl.models.multitask import TrainedNetwork\n"
        "folder = Path(sys.argv[1]); found = TrainedNetwork.load(folder)\n"
        "given = dict(np.load(folder / 'inputs.npz'))\n"
        "said = found.network(given, training=False)\n"
        "np.savez(folder / 'said.npz', **{key: value.numpy() for key, value in said.items()})\n"
        "print([task.name for task in found.tasks], found.inputs, len(found.history))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['emotion', 'gender'] ('log-mel',) 3"
    said, expected = np.load(tmp_path / "said.npz"), trained.network(inputs, training=False)
    assert set(said) == set(expected) == {"emotion", "gender", EMBEDDING}
    for key in said:
        np.testing.assert_allclose(said[key], expected[key], atol=1e-5)


def test_predictions_are_in_the_order_of_the_rows(trained, data):
    whole = trained.predict(data)
    assert whole.probabilities["emotion"].shape == (48, 2)
    np.testing.assert_allclose(whole.probabilities["gender"].sum(1), 1, atol=1e-5)
    assert whole.embedding is not None
    assert whole.embedding.shape == (48, 8)
    rows = np.array([40, 2, 11])
    part = trained.predict(data.subset(rows))
    for task, values in part.probabilities.items():
        np.testing.assert_allclose(values, whole.probabilities[task][rows], atol=1e-5)


def test_a_language_is_not_given_classes_that_it_does_not_have(data):
    third = replace(EMOTION, classes=("a", "b", "c"))
    language = np.array(["de", "it"] * 24)
    codes = np.where(language == "it", np.arange(48) // 2 % 2, np.arange(48) // 2 % 3)
    train = replace(
        data, tasks=(third, GENDER), targets={**data.targets, "emotion": codes}, language=language
    )
    trained = OnFeatures().fit(train, None, seed=0)
    assert trained.available == {"de": ("a", "b", "c"), "it": ("a", "b")}
    told = trained.predict(train).probabilities["emotion"]
    assert np.allclose(told.sum(1), 1)
    assert (told[language == "it", 2] == 0).all()
    assert (told[language == "de", 2] > 0).all()
    untold = trained.predict(replace(train, language=np.array([""] * 48))).probabilities["emotion"]
    assert (untold[:, 2] > 0).all()
    both = untold[language == "it", :2]
    assert np.allclose(told[language == "it", :2], both / both.sum(1, keepdims=True), atol=1e-5)


def test_an_interrupted_training_ends_as_an_uninterrupted_one(data, trained, tmp_path, monkeypatch):
    monkeypatch.setattr("msfl.checkpoint._EVERY", 0.0)
    system = MTLCNN(epochs=3, **SMALL)
    whole = system.fit(data, None, seed=1)
    from msfl.checkpoint import Checkpoint

    save, saved = Checkpoint.save, []

    def interrupt(self, history, best):
        save(self, history, best)
        saved.append(len(history))
        if len(saved) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        system.fit(data, None, seed=1, checkpoint=tmp_path)
    assert saved == [1, 2]
    again = system.fit(data, None, seed=1, checkpoint=tmp_path)
    assert saved == [1, 2, 3]  # the first two epochs were not repeated
    for one, other in zip(whole.network.get_weights(), again.network.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert whole.history["loss_emotion"].tolist() == pytest.approx(
        again.history["loss_emotion"].tolist(), abs=1e-5
    )
    assert list(again.history["epoch"]) == [1, 2, 3]


def test_what_has_no_label_has_no_say_in_its_task(data):
    """Half of the genders are missing: whatever they were, and wherever they would point, training is the same."""
    missing = data.targets["gender"].copy()
    missing[::3] = MISSING
    part = replace(data, targets={**data.targets, "gender": missing})
    system = OnFeatures()
    first = system.fit(part, None, seed=0)
    head = system.fit(replace(part, targets={**part.targets, "emotion": np.full(48, MISSING)}), None, seed=0)
    assert np.isfinite(head.history["loss_gender"]).all()
    assert (head.history["loss_emotion"] == 0).all()  # no label at all: no gradient, no crash
    kernel = head.network.get_layer("emotion_head").kernel
    start = system.build(system.plan(part, 0)).get_layer("emotion_head").kernel
    np.testing.assert_allclose(kernel, start, rtol=1e-3)
    assert np.isfinite(first.history.filter(regex="^loss")).all(axis=None)


def test_a_rated_dimension_teaches_what_four_labels_of_emotion_cannot(tmp_path):
    """The arousal of all utterances is known and goes with the emotion, of which the twin has four labels."""

    def rated(folder, count, seed, labelled):
        made = make_data(folder, count, seed=seed)
        emotion = np.where(np.arange(count) < labelled, made.targets["emotion"], MISSING)
        return replace(
            made,
            tasks=(EMOTION, AROUSAL),
            targets={"emotion": emotion, "arousal": made.targets["emotion"]},
        )

    train, test = rated(tmp_path / "train", 96, 0, 4), rated(tmp_path / "test", 64, 1, 64)
    options = SMALL | {"epochs": 24, "channel_dropout": 0.0, "learning_rate": 3e-3}

    def accuracy(tasks):
        seen = train if tasks else train.with_tasks(("emotion",))
        trained = MTLCNN(tasks=tasks, **options).fit(seen, None, seed=2)
        guess = trained.predict(test).probabilities["emotion"].argmax(1)
        return np.mean(guess == test.targets["emotion"])

    assert accuracy(("arousal",)) > 0.8
    assert accuracy(()) < 0.7


def test_features_of_unlabelled_rows_do_not_reach_a_task_alone(data):
    gender = data.targets["gender"].copy()
    gender[::2] = MISSING
    one = replace(data.with_tasks(("gender",)), targets={"gender": gender})
    other_features = one.features.copy()
    other_features[::2] += 100
    system = OnFeatures(tasks=())
    first = system.fit(one, None, seed=0)
    second = system.fit(replace(one, features=other_features), None, seed=0)
    for a, b in zip(first.network.get_weights(), second.network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_early_stopping_takes_the_best_epoch(data):
    held_out = np.arange(48) >= 36
    trained = OnFeatures(epochs=30, early_stopping=2).fit(
        data.subset(~held_out), data.subset(held_out), seed=0
    )
    assert "validation_uar" in trained.history
    assert len(trained.history) < 30


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"tasks": ("gendre",)}, "tasks names 'gendre'"),
        ({"longest": 0.2}, "longest is 0.2"),
        ({"strides": (2,)}, "one number per block"),
    ],
)
def test_parameters_that_cannot_be(given, sentence):
    from msfl.errors import UsageError
    from msfl.models.registry import get_system

    with pytest.raises(UsageError, match=sentence):
        get_system("mtl-cnn", **given)


def test_a_damaged_model_is_a_sentence(trained, tmp_path):
    from msfl.errors import DataError
    from msfl.models.multitask import TrainedNetwork

    trained.save(tmp_path)
    whole = (tmp_path / "model.keras").read_bytes()
    for damaged in (b"nothing", whole[: len(whole) // 2], whole[:100] + bytes(100) + whole[200:]):
        (tmp_path / "model.keras").write_bytes(damaged)
        with pytest.raises(DataError, match="does not hold a trained model that can be read"):
            TrainedNetwork.load(tmp_path)


def test_the_sixth_system_of_the_documentation_works(data, tmp_path):
    text = (Path(__file__).parents[3] / "docs" / "systems.md").read_text(encoding="utf-8")
    found = {}
    exec(text.partition("```python\n")[2].partition("```")[0], found)
    trained = found["PooledFrames"](epochs=1).fit(data, None, seed=0)
    trained.save(tmp_path)
    told = found["PooledFrames"]().load(tmp_path).predict(data)
    assert set(told.probabilities) == {"emotion", "gender"}
    assert np.allclose([one.sum() for one in told.time_attention["emotion"]], 1, atol=1e-5)
    assert told.embedding.shape == (len(data), 32)
