"""Seconds per utterance of expected gradients: ours against `shap.GradientExplainer`, at equal error.

One trained network for both, all classes of its emotion head, the same background, language and number of samples.
The error of a method is the root mean square difference between two runs with different seeds, over sqrt(2); it
falls with the square root of the time, so that the ratio at equal error is

    (seconds of shap / ours) * (error of shap / ours)^2.

Neither counts the time to trace its graph. Ours explains several utterances at once, as many as it takes per call;
shap takes one after the other. Run it on an idle machine (two to three minutes; --quick for the middle size):

    python benchmarks/attributions.py [--quick]
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray

from msfl.models.contract import Dataset
from msfl.quiet import quiet_stderr
from msfl.tasks import Task

SIZES = (88, 1582, 6373)
"""Features of eGeMAPS, IS10 and ComParE 2016."""
CLASSES = ("anger", "disgust", "fear", "happiness", "neutral", "sadness")
BACKGROUND, UTTERANCES = 128, 2
"""Background, and utterances that shap explains."""
ROUNDS = 6
"""Of expected gradients; shap gets as many samples."""
Floats = NDArray[np.float64]


def data(count: int, features: int, seed: int) -> Dataset:
    """Random z-scores of two languages; a twentieth of them tells the classes apart."""
    rng = np.random.default_rng(seed)
    language = np.where(np.arange(count) % 2 == 0, "de", "it")
    emotion = rng.integers(0, len(CLASSES), count)
    values = rng.normal(size=(count, features))
    centres = np.random.default_rng(0).normal(size=(len(CLASSES), max(4, features // 20)))
    values[:, : centres.shape[1]] += centres[emotion]
    return Dataset(
        utterances=np.array([f"u{seed}-{row}" for row in range(count)]),
        features=values.astype(np.float32),
        feature_names=tuple(f"f{column}" for column in range(features)),
        tasks=(Task("emotion", CLASSES), Task("language", ("de", "it"))),
        targets={"emotion": emotion, "language": (language == "it").astype(np.int64)},
        language=language,
        corpus=language,
        speaker=language,
    )


def network(features: int) -> Any:
    """Return the default network, trained for a moment: one with random weights is easier to explain."""
    from msfl.models.msfl import MSFL

    return MSFL(epochs=6, batch_size=32).fit(data(256, features, 0), None, seed=0)


def samples() -> int:
    """Return the number of gradients behind a value."""
    from analyses.attributions.expected_gradients import ExpectedGradients

    return ROUNDS * ExpectedGradients().samples


def shap_values(system: Any, background: NDArray[np.float32], features: int) -> Callable[[Any, int], Floats]:
    """Return GradientExplainer's values of all classes, told that everybody speaks the first language."""
    import keras
    import shap

    inputs = keras.Input((features,), name="features")
    told = keras.ops.zeros_like(inputs[:, :2]) + keras.ops.convert_to_tensor([[1.0, 0.0]])
    logits = system.network({"features": inputs, "language": told})["emotion"]
    mean = keras.ops.mean(keras.ops.softmax(logits), axis=0)
    single = keras.Model(
        inputs, keras.layers.Rescaling(1.0)(mean)
    )  # shap takes the last layer for the output
    explainer = shap.GradientExplainer(single, background)

    def explain(x: NDArray[np.float32], seed: int) -> Floats:
        found = explainer.shap_values(x, nsamples=samples(), rseed=seed)
        return np.asarray(found, dtype=np.float64)

    explain(np.zeros((1, features), dtype=np.float32), 0)
    return explain


def our_values(system: Any, background: NDArray[np.float32], features: int) -> Callable[[Any, int], Floats]:
    """Return the same values by `ExpectedGradients`, with a fixed number of rounds."""
    from analyses.attributions.expected_gradients import ExpectedGradients
    from analyses.attributions.gradient_rounds import GradientRounds
    from analyses.attributions.predictor import language_input, network_probabilities

    explainer = ExpectedGradients(least=ROUNDS, most=ROUNDS, background=len(background))
    function = network_probabilities(system.network, system.tasks[:1])
    rounds = GradientRounds(function, ["emotion"], background, 2, explainer.samples)

    def explain(x: NDArray[np.float32], seed: int) -> Floats:
        test = replace(data(len(x), features, 3), features=x, language=np.full(len(x), "de"))
        targets = [tuple((0, code) for code in range(len(CLASSES)))] * len(x)
        language = language_input(system, test.language)
        exact = change(system, background, test)
        found = explainer.estimate(rounds, targets, exact, test, language, seed)
        return np.stack([one.values() for one in found]).transpose(0, 2, 1)

    explain(np.zeros((1, features), dtype=np.float32), 0)
    return explain


def change(system: Any, background: NDArray[np.float32], test: Dataset) -> list[Floats]:
    """Return how far each output of each utterance is from its mean over the background."""
    from analyses.attributions.predictor import predictor

    predict = predictor(system, test, system.tasks[:1])
    base = predict(background, np.full(len(background), "de"))["emotion"].mean(axis=0)
    return list((predict(test.features, test.language)["emotion"] - base).astype(np.float64))


def measure(explain: Callable[[Any, int], Floats], x: NDArray[np.float32]) -> tuple[float, float, Floats]:
    """Return seconds per utterance, the error and the mean of two runs, these of the first `UTTERANCES`."""
    start = time.perf_counter()
    first, second = explain(x, 1), explain(x, 2)
    seconds = (time.perf_counter() - start) / (2 * len(x))
    first, second = first[:UTTERANCES], second[:UTTERANCES]
    error = float(np.sqrt(np.mean((first - second) ** 2) / 2))
    return seconds, error, (first + second) / 2


def main(arguments: Sequence[str]) -> None:
    """Measure each size and print a line for it."""
    warnings.filterwarnings("ignore")
    with quiet_stderr():
        import tensorflow  # noqa: F401
    from analyses.attributions.expected_gradients import utterances_per_call

    print(f"{'':8}  {'shap':>22}  {'ours':>22}  times faster")
    print(
        f"{'features':8}  {'s/utterance':>12} {'error':>9}  {'s/utterance':>12} {'error':>9}  at equal error"
    )
    for features in SIZES[1:2] if "--quick" in arguments else SIZES:
        system = network(features)
        background = data(BACKGROUND, features, 1).features
        x = data(utterances_per_call(features, samples() // ROUNDS), features, 2).features
        theirs = measure(shap_values(system, background, features), x[:UTTERANCES])
        ours = measure(our_values(system, background, features), x)
        ratio = theirs[0] / ours[0] * (theirs[1] / ours[1]) ** 2
        size = float(np.sqrt(np.mean(ours[2] ** 2)))
        print(
            f"{features:8d}  {theirs[0]:12.4f} {theirs[1] / size:9.3f}  {ours[0]:12.4f} {ours[1] / size:9.3f}"
            f"  {ratio:.1f}",
            flush=True,
        )
        expected = np.sqrt(theirs[1] ** 2 / 2 + ours[1] ** 2 / 2)
        apart = float(np.sqrt(np.mean((theirs[2] - ours[2]) ** 2)))
        if apart > 2 * expected:
            raise SystemExit(f"The methods differ by {apart:.2e}, {apart / expected:.1f} times their errors.")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"Errors relative to the root mean square value. Load of the machine at the end: {load:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
