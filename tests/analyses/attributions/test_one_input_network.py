"""A network that reads features alone, without the language, is explained as the others are."""

from __future__ import annotations

import numpy as np

from analyses.attributions.predictor import is_network, predictor
from msfl.models.aggregated_mtl import AggregatedMTL
from msfl.models.contract import Dataset
from msfl.tasks import Task


def test_explained_is_what_is_predicted() -> None:
    rng = np.random.default_rng(0)
    emotion, gender = rng.integers(0, 2, (2, 40))
    nothing = np.full(40, "c")
    data = Dataset(
        utterances=np.array([f"c/{row}" for row in range(40)]),
        features=rng.normal(size=(40, 6)).astype(np.float32),
        feature_names=tuple(f"f{column}" for column in range(6)),
        tasks=(Task("emotion", ("anger", "neutral")), Task("gender", ("female", "male"))),
        targets={"emotion": emotion.astype(np.int64), "gender": gender.astype(np.int64)},
        language=nothing,
        corpus=nothing,
        speaker=nothing,
    )
    trained = AggregatedMTL(units=4, depth=2, epochs=2).fit(data, None, seed=0)
    assert is_network(trained)
    found = predictor(trained, data, data.tasks)(data.features, data.language)
    expected = trained.predict(data).probabilities
    for task in ("emotion", "gender"):
        np.testing.assert_allclose(found[task], expected[task], atol=1e-6)
    assert found["emotion"].std() > 0
