"""The relative gain in F1 against scikit-learn, and its interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from msfl.errors import MsflError
from msfl.evaluation.relative_gain import relative_f1_gain

CLASSES = ["anger", "happiness", "sadness"]


def predictions(right: dict[str, float], speakers: int = 8, each: int = 40) -> pd.DataFrame:
    """Return predictions of models that are right in a share of the cases, on the same utterances."""
    rng = np.random.default_rng(0)
    truth = rng.choice(CLASSES, speakers * each)
    frames = []
    for model, share in right.items():
        guess = np.where(rng.random(len(truth)) < share, truth, rng.choice(CLASSES, len(truth)))
        rows = {
            "utterance": [f"c/{row}" for row in range(len(truth))],
            "corpus": "c",
            "language": "de",
            "speaker": [f"c/s{row % speakers}" for row in range(len(truth))],
            "language_set": "all",
            "model": model,
            "fold": "fold1",
            "seed": 0,
            "task": "emotion",
            "truth": truth,
            "predicted": guess,
        }
        frames.append(pd.DataFrame(rows))
    return pd.concat(frames, ignore_index=True)


def test_the_gain_is_that_of_macro_f1_by_sklearn():
    table = predictions({"mtl": 0.8, "single": 0.5})
    found = relative_f1_gain(table, "mtl@all", "single@all", "c")
    expected = {
        name: f1_score(rows["truth"], rows["predicted"], average="macro")
        for name, rows in table.groupby("model")
    }
    assert found.f1_a == pytest.approx(expected["mtl"])
    assert found.f1_b == pytest.approx(expected["single"])
    assert found.gain == pytest.approx(expected["mtl"] / expected["single"] - 1)
    assert 0 < found.low < found.gain < found.high


def test_a_model_gains_nothing_on_itself():
    found = relative_f1_gain(predictions({"mtl": 0.6}), "mtl@all", "mtl@all", "c")
    assert (found.gain, found.low, found.high) == (0, 0, 0)


def test_one_speaker_has_no_interval_and_another_corpus_no_utterance():
    table = predictions({"mtl": 0.8, "single": 0.5}, speakers=1)
    found = relative_f1_gain(table, "mtl@all", "single@all", "c")
    assert np.isnan([found.low, found.high]).all()
    with pytest.raises(MsflError, match="no common utterance"):
        relative_f1_gain(table, "mtl@all", "single@all", "elsewhere")
