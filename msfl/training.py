"""One fit: a Keras network, a training part and the speakers held out of it -> weights and a history.

Works for every network whose outputs are logits by task name, shape (B, K) or (M, B, K) for M members.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from numpy.typing import NDArray

from msfl.checkpoint import Checkpoint
from msfl.models.contract import MISSING, Dataset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from msfl.balancing.contract import Balancer
    from msfl.models.stream import Stream

Inputs = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Schedule:
    """How a network is trained.

    Attributes:
        epochs: Passes over the training part.
        batch_size: Utterances per step.
        min_steps: At least so many steps: a small training part gets more epochs.
        learning_rate: Of Adam, at its height: it rises over the first twentieth and falls along a cosine.
        weight_decay: Decoupled weight decay (Loshchilov & Hutter 2019).
        clip_norm: Gradients are scaled down to this norm.
        label_smoothing: Share of the target that is spread over the classes which the language has.
        class_weights: Whether each class of each language counts alike in the loss.
        patience: Stop when the validation speakers' UAR has not risen for so many epochs, and take the best
            epoch; zero trains all epochs and needs no validation speakers.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    min_steps: int = 0
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    label_smoothing: float = 0.0
    class_weights: bool = True
    patience: int = 0

    def batches(self, count: int) -> int:
        """Return the number of steps of an epoch over `count` utterances."""
        return max(1, count // self.batch_size)

    def steps(self, count: int) -> int:
        """Return the number of steps of a whole training on `count` utterances."""
        batches = self.batches(count)
        return max(self.epochs, -(-self.min_steps // batches)) * batches


class Beside(Protocol):
    """What a network learns from all utterances beside its tasks, as an autoencoder does."""

    trainable: list[Any]
    """Variables that are trained with the network, and are no part of it."""
    variables: list[Any]
    """All variables of its own, those of its optimisers included: what a checkpoint has to keep."""

    def loss(self, batch: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the loss that is added to those of the tasks, and scalars for the history; recorded by a tape.

        Args:
            batch: The network's inputs.
            outputs: Its outputs in training.
        """
        ...

    def step(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Train what works against the network, after its step; return scalars for the history."""
        ...


def fit_network(
    network: keras.Model,
    inputs: Inputs,
    train: Dataset,
    *,
    schedule: Schedule,
    balancer: Balancer,
    shared: list[Any],
    validation: tuple[Inputs, Dataset] | None = None,
    seed: int,
    checkpoint: Path | None = None,
    stream: Stream | None = None,
    validation_stream: Stream | None = None,
    beside: Beside | None = None,
) -> pd.DataFrame:
    """Train a network in place and return its history.

    Args:
        network: Maps `inputs` to logits by task name; other outputs are left alone.
        inputs: The network's inputs by name, one row per utterance of `train`.
        train: Targets, languages.
        schedule: How to train.
        balancer: Not built yet.
        shared: Variables of the last layer that all tasks share, for the balancer.
        validation: Inputs and targets of held-out training speakers, for early stopping.
        seed: Seed of the order of the utterances.
        checkpoint: Folder from which an interrupted training goes on.
        stream: Frame-level inputs of `train`, read batch by batch beside `inputs`.
        validation_stream: Those of the validation utterances.
        beside: What is learnt from all utterances, labelled or not.

    Returns:
        One row per epoch: mean loss per task and of what is learnt beside the tasks, the balancer's state
        averaged over the epoch's steps, the
        learning rate and, with early stopping, the validation UAR; the columns `step_...` hold, as lists, the
        losses and the balancer's state of every step.
    """
    weights = _item_weights(train) if schedule.class_weights else None
    balancer.build([task.name for task in train.tasks], [len(task.classes) for task in train.tasks])
    batches = schedule.batches(len(train))
    epochs = schedule.steps(len(train)) // batches
    optimizer = _optimizer(schedule, epochs * batches)
    optimizer.build([*network.trainable_variables, *(beside.trainable if beside else [])])
    step = _make_step(network, train, schedule, balancer, shared, optimizer, inputs, weights, stream, beside)
    variables = [*network.variables, *optimizer.variables, *balancer.variables]
    variables += beside.variables if beside else []
    saver = Checkpoint(checkpoint, variables)
    history, best = saver.restore()
    for epoch in range(len(history), epochs):
        rng = np.random.default_rng([seed, epoch])
        rows = [
            {key: float(value) for key, value in step(tf.constant(batch), streamed).items()}
            for batch, streamed in _batches(len(train), batches, rng, stream)
        ]
        summary = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        balancer.end_epoch([summary[f"loss_{task.name}"] for task in train.tasks])
        record: dict[str, Any] = {"epoch": epoch + 1, **summary}
        record["learning_rate"] = float(tf.convert_to_tensor(optimizer.learning_rate))
        if validation is not None and schedule.patience:
            record["validation_uar"] = _validation_uar(network, *validation, validation_stream)
        record["steps"] = {key: [row[key] for row in rows] for key in rows[0]}
        history.append(record)
        if _is_best(history):
            best = [variable.numpy() for variable in network.variables]
        if _has_stalled(history, schedule.patience):
            break
        saver.save(history, best)
    if best is not None:
        for variable, value in zip(network.variables, best, strict=True):
            variable.assign(value)
    return _frame(history)


def predict_logits(
    network: keras.Model, inputs: Inputs, batch_size: int = 128, stream: Stream | None = None
) -> dict[str, NDArray[Any]]:
    """Run a network over all rows of `inputs`, in batches.

    Args:
        network: The network.
        inputs: Its inputs that are in memory, one row per utterance; may be empty with a stream.
        batch_size: Rows per batch.
        stream: Its frame-level inputs, of the same n utterances.

    Returns:
        Output name -> array; logits are (M, n, K) or (n, K), other outputs (n, ...). With a stream, outputs per time
        step, (n, T), are padded with zeros.
    """
    if stream is None:
        count = len(next(iter(inputs.values())))
        whole = np.arange(count)
        pairs: Any = ((whole[start : start + batch_size], {}) for start in range(0, count, batch_size))
    else:
        pairs = stream.ahead(stream.in_order(batch_size))
    parts: dict[str, list[Any]] = {}
    order: list[NDArray[Any]] = []
    for rows, streamed in pairs:
        order.append(rows)
        given = {key: value[rows] for key, value in inputs.items()} | streamed
        # Not compiled: a trace costs more than the few batches of a test part.
        found = network({key: tf.constant(value) for key, value in given.items()}, training=False)
        for key, value in found.items():
            parts.setdefault(key, []).append(value.numpy())
    back = np.argsort(np.concatenate(order), kind="stable")
    return {key: _joined(values, back) for key, values in parts.items()}


def _joined(parts: list[NDArray[Any]], back: NDArray[np.intp]) -> NDArray[Any]:
    """Join batches along the utterances, pad what is as long as the batch's sequences, and undo the sorting."""
    axis = parts[0].ndim - 2
    widths = [part.shape[-1] for part in parts]
    if len(set(widths)) > 1:
        parts = [
            np.pad(part, [(0, 0)] * (part.ndim - 1) + [(0, max(widths) - part.shape[-1])]) for part in parts
        ]
    return np.take(np.concatenate(parts, axis=axis), back, axis=axis)


def _batches(
    count: int, number: int, rng: np.random.Generator, stream: Stream | None
) -> Iterator[tuple[NDArray[Any], dict[str, NDArray[np.float32]]]]:
    """Yield the rows of each batch of an epoch, with what the stream has for them."""
    if stream is None:
        for batch in np.array_split(rng.permutation(count), number):
            yield batch, {}
    else:
        yield from stream.ahead(stream.batches(rng, number))


def mean_probabilities(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Softmax, averaged over the members where there are any: (M, n, K) or (n, K) -> (n, K)."""
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities = shifted / shifted.sum(-1, keepdims=True)
    return np.asarray(probabilities.mean(0) if logits.ndim == 3 else probabilities, dtype=np.float32)


def _make_step(
    network: keras.Model,
    train: Dataset,
    schedule: Schedule,
    balancer: Balancer,
    shared: list[Any],
    optimizer: Any,
    inputs: Inputs,
    weights: dict[str, NDArray[np.float32]] | None,
    stream: Stream | None,
    beside: Beside | None,
) -> Any:
    """Compile one training step: row numbers and streamed inputs in, losses and the balancer's state out."""
    columns = {key: tf.constant(value) for key, value in inputs.items()}
    targets = {
        task.name: tf.constant(_soft_targets(train, position, schedule.label_smoothing))
        for position, task in enumerate(train.tasks)
    }
    present = {
        name: tf.constant((codes != MISSING).astype(np.float32)) for name, codes in train.targets.items()
    }
    factors = {
        task.name: present[task.name] * (weights[task.name] if weights else 1.0) for task in train.tasks
    }
    trainable = [*network.trainable_variables, *(beside.trainable if beside else [])]
    raw = [getattr(variable, "value", variable) for variable in trainable]
    raw_shared = [getattr(variable, "value", variable) for variable in shared]

    # One trace for all batches, whatever their size.
    signature = (tf.TensorSpec([None], tf.int64), stream.signature() if stream is not None else {})

    @tf.function(input_signature=signature, autograph=False)  # type: ignore[untyped-decorator]
    def step(rows: Any, streamed: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        batch = {key: tf.gather(value, rows) for key, value in columns.items()} | streamed
        with tf.GradientTape(persistent=True) as tape:
            outputs = network(batch, training=True)
            losses = [
                _cross_entropy(
                    outputs[task.name],
                    tf.gather(targets[task.name], rows),
                    tf.gather(factors[task.name], rows),
                    tf.gather(present[task.name], rows),
                )
                for task in train.tasks
            ]
            penalties = list(network.losses)
            if beside is not None:
                own, told = beside.loss(batch, outputs)
                penalties.append(own)
            penalty = tf.add_n(penalties) if penalties else None
        gradients = balancer.gradients(tape, losses, raw_shared, raw, penalty)
        gradients = [
            tf.zeros_like(value) if gradient is None else tf.convert_to_tensor(gradient)
            for gradient, value in zip(gradients, raw, strict=True)
        ]
        gradients, _ = tf.clip_by_global_norm(gradients, schedule.clip_norm)
        optimizer.apply_gradients(zip(gradients, trainable, strict=True))
        if beside is not None:
            told |= beside.step(outputs)
        names = [f"loss_{task.name}" for task in train.tasks]
        return {**dict(zip(names, losses, strict=True)), **told, **balancer.state()}

    return step


def _optimizer(schedule: Schedule, steps: int) -> Any:
    warmup = max(1, steps // 20)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup), warmup_target=schedule.learning_rate, warmup_steps=warmup
    )
    return keras.optimizers.AdamW(rate, weight_decay=schedule.weight_decay)


def _cross_entropy(logits: Any, targets: Any, factors: Any, present: Any) -> Any:
    """Weighted mean over the labelled items of the batch; the mean over members; zero without any label."""
    log_probabilities = tf.nn.log_softmax(logits)
    # 0 * log(0) of a masked class is zero, also in the gradient.
    terms = tf.where(targets > 0, targets * tf.maximum(log_probabilities, -1e6), 0.0)
    losses = -tf.reduce_sum(terms, -1) * factors
    if losses.shape.rank == 2:
        losses = tf.reduce_mean(losses, 0)
    # Missing labels must not make a task's loss small beside the others'.
    labelled = tf.reduce_sum(present)
    return tf.reduce_mean(losses) * (tf.cast(tf.size(present), tf.float32) / tf.maximum(labelled, 1.0))


def _soft_targets(train: Dataset, position: int, smoothing: float) -> NDArray[np.float32]:
    """One-hot targets (n, K), smoothed over the classes which the language has; zeros where missing."""
    task = train.tasks[position]
    codes = train.targets[task.name]
    hot = np.zeros((len(train), len(task.classes)), dtype=np.float32)
    known = np.flatnonzero(codes != MISSING)
    hot[known, codes[known]] = 1.0
    if not smoothing:
        return hot
    possible = np.zeros_like(hot)
    for language in np.unique(train.language):
        rows = train.language == language
        possible[rows] = hot[rows].any(axis=0) if position == 0 else 1.0
    possible[codes == MISSING] = 0.0
    spread = possible / np.maximum(possible.sum(1, keepdims=True), 1.0)
    return np.asarray((1 - smoothing) * hot + smoothing * spread, dtype=np.float32)


def _item_weights(train: Dataset) -> dict[str, NDArray[np.float32]]:
    """Weights of mean one per language, in which the classes that it has count alike."""
    weights: dict[str, NDArray[np.float32]] = {}
    for position, task in enumerate(train.tasks):
        codes = train.targets[task.name]
        groups = train.language if position == 0 else np.zeros(len(train), dtype="U1")
        found = np.zeros(len(train), dtype=np.float32)
        for group in np.unique(groups):
            rows = np.flatnonzero((groups == group) & (codes != MISSING))
            classes, inverse, counts = np.unique(codes[rows], return_inverse=True, return_counts=True)
            if len(rows):
                found[rows] = len(rows) / (len(classes) * counts[inverse])
        weights[task.name] = found
    return weights


def _validation_uar(
    network: keras.Model, inputs: Inputs, data: Dataset, stream: Stream | None = None
) -> float:
    """Mean over languages of the main task's UAR on the validation speakers."""
    task = data.tasks[0]
    predicted = mean_probabilities(predict_logits(network, inputs, stream=stream)[task.name]).argmax(-1)
    truth = data.targets[task.name]
    scores = []
    for language in np.unique(data.language):
        rows = (data.language == language) & (truth != MISSING)
        recalls = [np.mean(predicted[rows & (truth == code)] == code) for code in np.unique(truth[rows])]
        scores.extend([np.mean(recalls)] if recalls else [])
    return float(np.mean(scores)) if scores else float("nan")


def _is_best(history: list[dict[str, Any]]) -> bool:
    scores = [row.get("validation_uar", np.nan) for row in history]
    return bool(np.isfinite(scores[-1]) and scores[-1] >= np.nanmax(scores))


def _has_stalled(history: list[dict[str, Any]], patience: int) -> bool:
    scores = np.array([row.get("validation_uar", np.nan) for row in history])
    if not patience or not np.isfinite(scores).any():
        return False
    return bool(len(scores) - 1 - int(np.nanargmax(scores)) >= patience)


def _frame(history: list[dict[str, Any]]) -> pd.DataFrame:
    """Flatten the per-step records into list columns `step_<name>`."""
    rows = []
    for record in history:
        steps = record["steps"]
        rows.append(
            {key: value for key, value in record.items() if key != "steps"}
            | {f"step_{key}": values for key, values in steps.items()}
        )
    return pd.DataFrame(rows)
