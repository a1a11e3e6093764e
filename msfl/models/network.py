"""The two networks of shared feature learning, as ordinary functional Keras models.

Both take ``features`` (B, D) and ``language`` (B, L; one-hot, or zeros where it is not known) and return a
dictionary: the logits of every task, shape (M, B, K) for M members, and ``attention``, shape (B, D).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from msfl.models.attention import (
    AttendedFeatures,
    FeatureAttention,
    FeatureSequence,
    HideLanguage,
    LanguageHead,
    MemberDense,
    Reordered,
)
from msfl.models.lstm import FusedLSTM
from msfl.tasks import Task

ATTENTION = "attention"
"""Key of the attention in the model's outputs."""
SHARED = "shared"
"""Name of the last layer that all tasks share: the W of GradNorm."""


@dataclass(frozen=True)
class Plan:
    """What a network is built for.

    Attributes:
        features: Number D of features.
        tasks: The tasks, main task first.
        languages: The L languages of the training part; with fewer than two, nothing is split by language.
        available: Per language, for the main task, 1 for each class that occurs, else 0.
        seed: Seed of all initial values and of dropout.
    """

    features: int
    tasks: tuple[Task, ...]
    languages: tuple[str, ...]
    available: Sequence[Sequence[int]]
    seed: int


def msfl_network(
    plan: Plan,
    *,
    units: int,
    step: int,
    members: int,
    size: int,
    gain: float,
    language_penalty: float,
    state_penalty: float,
    by_language: bool,
    order: int,
    dropout: float,
    feature_dropout: float,
    language_dropout: float,
) -> keras.Model:
    """Build the default network.

    Each feature is one step of an LSTM; its states and a learned bias per feature give the attention. The features' own
    contributions, weighted by attention, are summed, so that no feature can act but through its weight; one dense layer
    makes the shared representation of this sum. The main task's head attends with the language's own biases as well,
    the other heads with the shared ones only: the language is what one of them has to find out.

    Args:
        plan: Sizes, tasks and seed.
        units: LSTM units; zero leaves the LSTM out, to see what it adds.
        step: Length of an LSTM step.
        members: Number M of members, which share the LSTM.
        size: Length E of the attended sum and of the shared representation.
        gain: Factor on the attention biases, see `FeatureAttention`.
        language_penalty: L2 penalty on what sets the languages apart.
        state_penalty: Penalty on the LSTM's part in attention, see `FeatureAttention`.
        by_language: Whether attention and the main head may differ by language.
        order: In which order the LSTM reads the features: 0 as they come, else the seed of a permutation.
        dropout: Share of the shared representation that is dropped in training.
        feature_dropout: Share of the features that is dropped in training.
        language_dropout: Share of the utterances whose language is hidden in training.
    """
    features, language = _inputs(plan)
    known = HideLanguage(language_dropout, seed=plan.seed + 6, name="hide_language")(language)
    split = len(plan.languages) if by_language else 0
    available = [list(row) for row in plan.available] if split >= 2 else []
    seen = keras.layers.Dropout(feature_dropout, seed=plan.seed + 1, name="feature_dropout")(features)
    states = _states(plan, seen, units, step, order) if units else None
    attend = FeatureAttention(
        plan.features,
        members,
        split,
        gain=gain,
        language_penalty=language_penalty,
        state_penalty=state_penalty,
        seed=plan.seed + 5,
        name="feature_attention",
    )
    gather = AttendedFeatures(size, seed=plan.seed + 7, name="attended")
    share = MemberDense(size, scale=2**0.5, seed=plan.seed + 8, name=SHARED)
    drop = keras.layers.Dropout(dropout, seed=plan.seed + 9, name="dropout")
    drop_shared = keras.layers.Dropout(dropout, seed=plan.seed + 10, name="dropout_shared")

    def represent(language: Any) -> tuple[Any, Any]:
        attention = attend(language, states)
        shared = keras.ops.relu(share(drop(gather([seen, attention]))))
        return drop_shared(shared), attention

    main, attention = represent(known)
    common = main
    if split >= 2 and len(plan.tasks) > 1:
        common, _ = represent(keras.layers.Rescaling(0.0, name="no_language")(language))
    head = LanguageHead(
        len(plan.tasks[0].classes), available, seed=plan.seed + 11, name=f"{plan.tasks[0].name}_head"
    )
    outputs = {plan.tasks[0].name: head([main, known, language])}
    for position, task in enumerate(plan.tasks[1:]):
        outputs[task.name] = MemberDense(
            len(task.classes), seed=plan.seed + 12 + position, name=f"{task.name}_head"
        )(common)
    outputs[ATTENTION] = keras.ops.mean(attention, axis=0)
    return keras.Model([features, language], outputs, name="msfl")


def _states(plan: Plan, features: Any, units: int, step: int, order: int) -> Any:
    """States of the LSTM after reading each feature, shape (D, B, units), in the order of the features."""
    sequence = FeatureSequence(step, seed=plan.seed + 2, name="sequence")(features)
    if order:
        sequence = Reordered(order, name="reordered")(sequence)
    states = FusedLSTM(
        units,
        time_major=True,
        kernel_initializer=keras.initializers.GlorotUniform(seed=plan.seed + 3),
        recurrent_initializer=keras.initializers.Orthogonal(seed=plan.seed + 4),
        name="lstm",
    )(sequence)
    return Reordered(order, back=True, name="reordered_back")(states) if order else states


def paper_network(plan: Plan, *, units: int, size: int, dropout: float) -> keras.Model:
    """Build the literal network of Ma & Wang 2022: one scalar per step, attention over the LSTM's states.

    e_t = v . tanh(A h_t), a = softmax(e), z = sum_t a_t h_t (Mirsamadi et al. 2017, whom the paper cites).
    The sizes are ours: the paper does not give them.

    Args:
        plan: Sizes, tasks and seed; languages are not used.
        units: LSTM units.
        size: Size of the shared dense layer.
        dropout: Share of the shared layer that is dropped in training.
    """
    features, language = _inputs(plan)
    sequence = keras.layers.Reshape((plan.features, 1), name="sequence")(features)
    states = FusedLSTM(
        units,
        kernel_initializer=keras.initializers.GlorotUniform(seed=plan.seed + 3),
        recurrent_initializer=keras.initializers.Orthogonal(seed=plan.seed + 4),
        name="lstm",
    )(sequence)
    glorot = keras.initializers.GlorotUniform
    hidden = keras.layers.Dense(units, "tanh", kernel_initializer=glorot(plan.seed + 5))(states)
    scores = keras.layers.Dense(1, use_bias=False, kernel_initializer=glorot(plan.seed + 6))(hidden)
    attention = keras.layers.Softmax(name=ATTENTION)(keras.layers.Flatten()(scores))
    context = keras.layers.Flatten()(keras.layers.Dot(axes=1)([attention, states]))
    shared = keras.layers.Dense(size, "relu", kernel_initializer=glorot(plan.seed + 7), name=SHARED)(context)
    shared = keras.layers.Dropout(dropout, seed=plan.seed + 8, name="dropout")(shared)
    outputs: dict[str, Any] = {}
    for position, task in enumerate(plan.tasks):
        logits = keras.layers.Dense(
            len(task.classes), kernel_initializer=glorot(plan.seed + 9 + position), name=f"{task.name}_head"
        )(shared)
        outputs[task.name] = keras.ops.expand_dims(logits, 0)
    outputs[ATTENTION] = attention
    return keras.Model([features, language], outputs, name="msfl_paper")


def _inputs(plan: Plan) -> tuple[Any, Any]:
    return (
        keras.Input((plan.features,), name="features"),
        keras.Input((max(1, len(plan.languages)),), name="language"),
    )
