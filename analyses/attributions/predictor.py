"""Class probabilities of a trained model as a plain function, compiled where the model is a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msfl.models.contract import MISSING, Dataset, TrainedSystem
from msfl.tasks import Task

Probabilities = dict[str, NDArray[np.float32]]
Predictor = Callable[[NDArray[np.float32], NDArray[np.str_]], Probabilities]
"""Features (n, D) and language tags (n,) -> probabilities by task, (n, K)."""
VALUES = 1 << 18
"""Feature values per call of a network, and its fewest rows: an LSTM pays for every step, however few rows it has."""
LEAST = 128


def is_network(system: TrainedSystem) -> bool:
    """Whether a model has a Keras network with gradients, as the ``msfl`` models have."""
    return getattr(system, "network", None) is not None


def language_input(system: TrainedSystem, tags: NDArray[np.str_]) -> NDArray[np.float32]:
    """Return what a network's input ``language`` is for these tags, shape (n, L): one-hot, zeros for others."""
    languages: Sequence[str] = getattr(system, "languages", ())
    hot = np.zeros((len(tags), max(1, len(languages))), dtype=np.float32)
    for column, tag in enumerate(languages):
        hot[tags == tag, column] = 1.0
    return hot


def network_probabilities(network: Any, tasks: Sequence[Task]) -> Callable[[Any, Any], dict[str, Any]]:
    """Return a function of tensors, features (B, D) and language (B, L), to probabilities (B, K) by task.

    They are the mean over the members of the network, as in its predictions.
    """
    import tensorflow as tf

    alone = len(network.inputs) == 1

    def probabilities(features: Any, language: Any) -> dict[str, Any]:
        given = features if alone else {"features": features, "language": language}
        outputs = network(given, training=False)
        found = {}
        for task in tasks:
            each = tf.nn.softmax(outputs[task.name])
            found[task.name] = tf.reduce_mean(each, axis=0) if each.shape.rank == 3 else each
        return found

    return probabilities


def predictor(system: TrainedSystem, data: Dataset, tasks: Sequence[Task]) -> Predictor:
    """Return the probabilities of a trained model as a function.

    Args:
        system: The model: a network, or anything that predicts.
        data: Any data of its fold, for the names of features and tasks.
        tasks: The tasks to be predicted.
    """
    return _of_network(system, tasks) if is_network(system) else _of_system(system, data, tasks)


def _of_network(system: Any, tasks: Sequence[Task]) -> Predictor:
    import tensorflow as tf

    function = network_probabilities(system.network, tasks)
    width = max(1, len(getattr(system, "languages", ())))
    features = len(system.feature_names)
    signature = (tf.TensorSpec([None, features], tf.float32), tf.TensorSpec([None, width], tf.float32))
    compiled = tf.function(function, input_signature=signature, autograph=False)
    rows = max(LEAST, VALUES // features)

    def predict(values: NDArray[np.float32], tags: NDArray[np.str_]) -> Probabilities:
        language = language_input(system, tags)
        parts = [
            compiled(tf.constant(values[at : at + rows]), tf.constant(language[at : at + rows]))
            for at in range(0, max(1, len(values)), rows)
        ]
        return {task.name: np.concatenate([part[task.name].numpy() for part in parts]) for task in tasks}

    return predict


def _of_system(system: TrainedSystem, data: Dataset, tasks: Sequence[Task]) -> Predictor:
    def predict(values: NDArray[np.float32], tags: NDArray[np.str_]) -> Probabilities:
        nothing = np.full(len(values), "", dtype="U1")
        given = Dataset(
            utterances=nothing,
            features=values,
            feature_names=data.feature_names,
            tasks=data.tasks,
            targets={task.name: np.full(len(values), MISSING, dtype=np.int64) for task in data.tasks},
            language=tags,
            corpus=nothing,
            speaker=nothing,
        )
        found = system.predict(given).probabilities
        return {task.name: np.asarray(found[task.name], dtype=np.float32) for task in tasks}

    return predict
