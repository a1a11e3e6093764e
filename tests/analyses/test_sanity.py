"""Sanity checks: what is shuffled and what is kept, how a change is judged, and both on a small run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyses.attributions.subjects import load_subject
from analyses.explained_again import codes_of, importance
from analyses.explanations import ExplanationManifest, Explanations, of_run, open_explanations, write_manifest
from analyses.sanity import (
    HEADS,
    LABELS,
    PARAMETERS,
    Case,
    Effort,
    agreement,
    compute,
    shuffle_labels,
    shuffle_weights,
    table,
    verdict,
)
from msfl.models.contract import Dataset
from msfl.runs import Run, open_run
from msfl.tasks import Task

FEATURES = tuple(
    f"{contour}_{functional}"
    for contour in ("F0final_sma", "jitterLocal_sma", "mfcc_sma[1]", "mfcc_sma[2]")
    for functional in ("amean", "stddev", "skewness")
)
TOML = """
[training]
models = ["msfl", "linear-svm"]
language_sets = "all"
[model.msfl]
members = 2
units = 2
step = 2
size = 8
epochs = 25
batch_size = 16
learning_rate = 0.02
"""


@pytest.fixture(scope="module")
def run(make_toy: Callable[..., Path]) -> Run:
    """Two languages; emotion is planted in pitch, and nothing else says anything."""
    planted = {"F0final_sma_amean": (0, 5), "F0final_sma_stddev": (0, 3)}
    return open_run(make_toy(TOML, FEATURES, takes=6, emotions=("anger", "sadness"), planted=planted))


@pytest.fixture(scope="module")
def found(run: Run) -> Explanations:
    """Rankings of attention and of the linear baseline."""
    from analyses.attributions import cells
    from analyses.attributions import compute as attribute
    from analyses.cells import of_table
    from analyses.explanations import write_tables
    from analyses.ranking_tables import tables

    models = {"attention": "msfl", "linear": "linear-svm"}
    write_manifest(run, ExplanationManifest(run=of_run(run), models=models))
    for method in models:
        attribute(run, method, workers=1, progress=False)
        by_task = of_table(cells(run, method))
        rankings, repeats = tables(by_task, method=method, features=run.feature_names)
        write_tables(run, {f"rankings/{method}": rankings, f"repeats/{method}": repeats})
    return open_explanations(run)


def test_shuffling_keeps_every_number_and_spares_what_it_should() -> None:
    import keras

    inputs = keras.Input((5,))
    hidden = keras.layers.Dense(7, name="shared")(inputs)
    network = keras.Model(inputs, keras.layers.Dense(3, name="emotion_head")(hidden))
    before = [np.array(value) for value in network.get_weights()]
    shuffle_weights(network, heads_only=True, seed=1)
    heads = [np.array(value) for value in network.get_weights()]
    np.testing.assert_array_equal(before[0], heads[0])
    assert not np.array_equal(before[2], heads[2])
    shuffle_weights(network, heads_only=False, seed=1)
    after = network.get_weights()
    assert not np.array_equal(before[0], after[0])
    for first, last in zip(before, after, strict=True):
        np.testing.assert_array_equal(np.sort(first.ravel()), np.sort(last.ravel()))


def test_labels_are_shuffled_within_corpora() -> None:
    n = 40
    corpus = np.repeat(["a", "b"], 20)
    codes = np.concatenate([np.repeat([0, 1], 10), np.repeat([1, 2], 10)]).astype(np.int64)
    text = np.full(n, "")
    data = Dataset(
        text, np.zeros((n, 1), np.float32), ("f",), (Task("emotion", ("x", "y", "z")),), {"emotion": codes},
        text, corpus, text,
    )  # fmt: skip
    other = shuffle_labels(data, seed=3).targets["emotion"]
    assert (other != codes).any()
    for name in ("a", "b"):
        assert sorted(other[corpus == name]) == sorted(codes[corpus == name])
    np.testing.assert_array_equal(data.targets["emotion"], codes)


def test_agreement_compares_items_by_their_mean() -> None:
    codes = np.array([0, 0, 1, 2, 2, 2])
    first = np.array([4.0, 6.0, 3.0, 1.0, 1.0, 1.0])  # means 5, 3, 1
    assert agreement(first, np.array([5.0, 5.0, 3.0, 2.0, 0.0, 1.0]), codes) == pytest.approx(1.0)
    assert agreement(first, -first, codes) == pytest.approx(-1.0)
    assert agreement(first, np.zeros(6), codes) == 0.0


@pytest.mark.parametrize(
    ("value", "reference", "randomised", "passed", "words"),
    [
        (0.05, 0.6, PARAMETERS, True, "changes as it should when all weights"),
        (0.55, 0.6, PARAMETERS, False, "hardly changes"),
        (0.55, 0.6, LABELS, False, "not come from what is learnt from the labels"),
        (1.0, 0.6, HEADS, None, "computed before the heads"),
        (0.0, 0.6, HEADS, None, "What is left of the ranking"),
        (0.0, 0.05, PARAMETERS, None, "do not agree among themselves"),
        (0.0, float("nan"), LABELS, None, "Nothing can be said"),
    ],
)
def test_a_change_is_judged_by_what_two_real_models_share(
    value: float, reference: float, randomised: str, passed: bool | None, words: str
) -> None:
    found, sentence = verdict("attention", randomised, value, reference)
    assert found is passed
    assert words in sentence


def test_a_model_that_learnt_something_passes(run: Run, found: Explanations) -> None:
    told: list[float] = []
    settings = Effort(per_language=12, folds=1, repeats=2, retrain_network=False)
    frame = table(found, run, settings=settings, jobs=1, progress=told.append)
    assert told[-1] == 1.0
    assert set(frame["method"]) == {"attention", "linear"}
    feature = frame[frame["level"] == "feature"].set_index(["method", "randomised"])
    assert feature.loc[("attention", HEADS), "value"] == pytest.approx(1.0)
    assert pd.isna(feature.loc[("attention", HEADS), "passed"])
    assert abs(feature.loc[("attention", PARAMETERS), "value"]) < 0.5
    assert feature.loc[("linear", LABELS), "repeats"] == 2
    assert (frame["reference_from"] == "folds").all()


def test_a_network_is_explained_by_gradients_before_and_after(run: Run) -> None:
    record = next(job for job in run.jobs if job.model == "msfl")
    utterances = tuple(map(str, run.utterances.index[::4]))
    case = Case(run.path, record, ("shap",), (HEADS, PARAMETERS), 1, utterances)
    changes = {(one.randomised, one.level): one.value for one in compute(case)}
    assert set(changes) == {(way, level) for way in (HEADS, PARAMETERS) for level in ("feature", "contour")}
    assert all(value < 0.95 for value in changes.values())


def test_groups_are_explained_again_too(run: Run) -> None:
    """At the level of contours, and not for the heads, which are not judged."""
    record = next(job for job in run.jobs if job.model == "msfl")
    utterances = tuple(map(str, run.utterances.index[::2]))
    case = Case(run.path, record, ("owen", "permutation"), (HEADS, PARAMETERS), 3, utterances)
    changes = compute(case)
    assert {(one.method, one.randomised, one.level) for one in changes} == {
        ("owen", PARAMETERS, "contour"),
        ("permutation", PARAMETERS, "contour"),
    }
    assert len(changes) == 6
    for method in ("owen", "permutation"):
        assert np.mean([one.value for one in changes if one.method == method]) < 0.8  # four contours
    real = load_subject(run, record, utterances)
    for method in ("owen", "permutation"):
        found = importance(run, real, method, 0)
        contours = np.bincount(codes_of(run, method)["contour"], weights=found)
        assert contours.argmax() == 0  # F0final, where the emotion was planted


def test_results_do_not_depend_on_the_call(run: Run) -> None:
    record = next(job for job in run.jobs if job.model == "linear-svm")
    case = Case(run.path, record, ("linear",), (LABELS,), 2, tuple(map(str, run.utterances.index)))
    first, second = compute(case), compute(case)
    assert first == second
    assert first[0].value != first[2].value  # other random labels the second time


def test_without_utterances_there_is_nothing_to_compare(run: Run) -> None:
    assert compute(Case(Path(run.path), run.jobs[0], ("linear",), (LABELS,), 1, ())) == []
