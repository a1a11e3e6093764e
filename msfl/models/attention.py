"""The layers of the shared-feature model: what a feature contributes, and how much weight it gets.

All of them work on M members side by side, which share the LSTM and differ in everything else. Shapes:
B utterances, D features, M members, E embedding, L languages, U LSTM units.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="msfl")
class FeatureSequence(keras.layers.Layer):  # type: ignore[misc]
    """Turns a vector of D features into a sequence of D steps: z_j w_j / |w_j| + p_j.

    The direction w_j tells the LSTM which feature it reads, the identity embedding p_j also when z_j is zero.

    Args:
        size: Length I of a step.
        seed: Seed of the initial values.

    Call arguments:
        features: Shape (B, D).

    Returns:
        Time-major sequence, shape (D, B, I).
    """

    def __init__(self, size: int, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.size = size
        self.seed = seed

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Create directions and identities, one of each per feature."""
        normal = keras.initializers.RandomNormal(stddev=1.0, seed=self.seed)
        self.directions = self.add_weight(name="directions", shape=(shape[-1], self.size), initializer=normal)
        self.identities = self.add_weight(
            name="identities", shape=(shape[-1], self.size), initializer=_normal(0.1, self.seed, 1)
        )

    def call(self, features: Any) -> Any:
        """See the class."""
        steps = ops.expand_dims(ops.transpose(features), -1) * ops.expand_dims(_unit(self.directions), 1)
        return steps + ops.expand_dims(self.identities, 1)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(B, D) -> (D, B, I)."""
        return (shape[1], shape[0], self.size)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size, "seed": self.seed}


@keras.saving.register_keras_serializable(package="msfl")
class Reordered(keras.layers.Layer):  # type: ignore[misc]
    """Puts the D features of a time-major sequence into another order, to see whether the order matters.

    Args:
        order: Seed of the permutation.
        back: Whether to undo the permutation instead.

    Call arguments:
        sequence: Shape (D, B, I).

    Returns:
        The same steps in another order, shape (D, B, I).
    """

    def __init__(self, order: int, back: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.order = order
        self.back = back

    def call(self, sequence: Any) -> Any:
        """See the class."""
        steps = np.random.default_rng(self.order).permutation(sequence.shape[0])
        return ops.take(sequence, np.argsort(steps) if self.back else steps, axis=0)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(D, B, I) -> (D, B, I)."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "order": self.order, "back": self.back}


@keras.saving.register_keras_serializable(package="msfl")
class FeatureAttention(keras.layers.Layer):  # type: ignore[misc]
    """One weight per feature, utterance and member: softmax over the D features.

    logit_j = gain (b_j + sum_l q_l c_lj) + v . tanh(A h_j), where q says which language the utterance is in (all
    zeros: not known, and then only what the languages share counts), b_j is what the languages share, c_lj what
    sets language l apart, pulled to zero by an L2 penalty, and h_j the LSTM's state after reading feature j.
    The form of the last term is that of Mirsamadi et al. 2017; the biases, their split by language and the gain
    are ours.

    Args:
        members: Number M of members.
        languages: Number L of languages; below two there is no split by language.
        hidden: Size of the tanh layer.
        gain: Factor on the biases; it sets how fast attention can leave the uniform start.
        language_penalty: L2 penalty on gain * c.
        state_penalty: Penalty on the mean square of the last term: the LSTM moves attention only as far as that
            pays.
        seed: Seed of the initial values.

    Call arguments:
        language: Shape (B, L).
        states: States of the LSTM, shape (D, B, U); None leaves their term out (the ablation).

    Returns:
        Attention, shape (M, B, D); sums to one over D.
    """

    def __init__(
        self,
        features: int,
        members: int = 1,
        languages: int = 0,
        hidden: int = 16,
        gain: float = 1.0,
        language_penalty: float = 1e-3,
        state_penalty: float = 0.0,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.features = features
        self.members = members
        self.languages = languages
        self.hidden = hidden
        self.gain = gain
        self.language_penalty = language_penalty
        self.state_penalty = state_penalty
        self.seed = seed

    def build(
        self, language_shape: tuple[int | None, ...], states_shape: tuple[int | None, ...] | None = None
    ) -> None:
        """Create the biases at zero: attention starts uniform but for the LSTM's term."""
        self.bias = self.add_weight(name="bias", shape=(self.members, self.features), initializer="zeros")
        if self.languages >= 2:
            self.language_bias = self.add_weight(
                name="language_bias",
                shape=(self.languages, self.members, self.features),
                initializer="zeros",
            )
        if states_shape is not None:
            self.projection = self.add_weight(
                name="projection", shape=(states_shape[-1], self.hidden), initializer=_glorot(self.seed)
            )
            self.score = self.add_weight(
                name="score", shape=(self.hidden, 1), initializer=_normal(0.1, self.seed, 1)
            )

    def call(self, language: Any, states: Any = None) -> Any:
        """See the class."""
        logits = self.gain * ops.expand_dims(self.bias, 1)
        if self.languages >= 2:
            logits = logits + self.gain * ops.einsum("bl,lmd->mbd", language, self.language_bias)
            self.add_loss(
                self.language_penalty * self.gain**2 * ops.sum(ops.square(self.language_bias)) / self.members
            )
        if states is None:
            logits = logits + ops.zeros_like(language[:, :1])  # one row per utterance
        else:
            scores = ops.matmul(ops.tanh(ops.matmul(states, self.projection)), self.score)[..., 0]  # (D, B)
            self.add_loss(self.state_penalty * ops.mean(ops.square(scores)))
            logits = logits + ops.transpose(scores)  # the same for all members
        return ops.softmax(logits, axis=-1)

    def compute_output_shape(
        self, language_shape: tuple[int | None, ...], states_shape: tuple[int | None, ...] | None = None
    ) -> tuple[int | None, ...]:
        """-> (M, B, D)."""
        return (self.members, language_shape[0], self.features)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = (
            "features",
            "members",
            "languages",
            "hidden",
            "gain",
            "language_penalty",
            "state_penalty",
            "seed",
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


@keras.saving.register_keras_serializable(package="msfl")
class AttendedFeatures(keras.layers.Layer):  # type: ignore[misc]
    """What is attended to: sum_j alpha_j z_j u_j, with u_j of length one, times scale sqrt(D).

    A feature reaches everything that follows through this sum alone, with |alpha_j z_j| as the length of its
    part: it cannot gain influence except by attention, whatever the network learns.

    Args:
        size: Length E of the sum.
        seed: Seed of the initial values.

    Call arguments:
        inputs: ``[features (B, D), attention (M, B, D)]``.

    Returns:
        Shape (M, B, E).
    """

    def __init__(self, size: int, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.size = size
        self.seed = seed

    def build(self, shapes: list[tuple[int | None, ...]]) -> None:
        """Create a direction per member and feature, and one scale per member."""
        members, _, features = shapes[1]
        self.root = float(features or 1) ** 0.5
        self.directions = self.add_weight(
            name="directions", shape=(members, features, self.size), initializer=_normal(1.0, self.seed)
        )
        self.scale = self.add_weight(name="scale", shape=(members, 1, 1), initializer="zeros")

    def call(self, inputs: list[Any]) -> Any:
        """See the class."""
        features, attention = inputs
        parts = ops.matmul(attention * ops.expand_dims(features, 0), _unit(self.directions))
        return parts * ops.exp(self.scale) * self.root  # the scale stays positive

    def compute_output_shape(self, shapes: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """-> (M, B, E)."""
        return (*shapes[1][:2], self.size)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size, "seed": self.seed}


@keras.saving.register_keras_serializable(package="msfl")
class MemberDense(keras.layers.Layer):  # type: ignore[misc]
    """M linear maps side by side: (M, B, E) -> (M, B, units).

    Args:
        units: Size of the output.
        scale: Standard deviation of the initial weights, times sqrt(E).
        seed: Seed of the initial values.
    """

    def __init__(self, units: int, scale: float = 1.0, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.units = units
        self.scale = scale
        self.seed = seed

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Create one kernel and one bias per member."""
        members, _, size = shape
        start = _normal(self.scale / float(size or 1) ** 0.5, self.seed)
        self.kernel = self.add_weight(name="kernel", shape=(members, size, self.units), initializer=start)
        self.bias = self.add_weight(name="bias", shape=(members, 1, self.units), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        """See the class."""
        return ops.matmul(inputs, self.kernel) + self.bias

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """-> (M, B, units)."""
        return (*shape[:2], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {name: getattr(self, name) for name in ("units", "scale", "seed")}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="msfl")
class HideLanguage(keras.layers.Layer):  # type: ignore[misc]
    """Hides the language of some utterances in training, so that the model learns to do without.

    Args:
        rate: Share of the utterances.
        seed: Seed of the choice.

    Call arguments:
        language: Shape (B, L).

    Returns:
        Shape (B, L), rows of zeros where the language is hidden.
    """

    def __init__(self, rate: float, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.rate = rate
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, language: Any, training: bool = False) -> Any:
        """See the class."""
        if not training or self.rate == 0:
            return language
        drawn = keras.random.uniform((ops.shape(language)[0], 1), seed=self.generator)
        return language * ops.cast(drawn >= self.rate, language.dtype)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(B, L) -> (B, L)."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable(package="msfl")
class LanguageHead(keras.layers.Layer):  # type: ignore[misc]
    """A classifier that all languages share, and a small one per language that starts at zero.

    Classes that a language does not have are masked where the language is known, so that a corpus of four
    emotions is not asked to tell seven apart.

    Args:
        classes: Number K of classes.
        available: Per language, K numbers: 1 where the language has the class, else 0. An empty list: no
            languages, no masks.
        seed: Seed of the initial values.

    Call arguments:
        inputs: ``[representation (M, B, E), language (B, L), possible (B, L)]``: the language that the
            classifiers may use, and the one that the masks follow; they differ where training hides one.

    Returns:
        Logits, shape (M, B, K).
    """

    def __init__(
        self, classes: int, available: list[list[int]], seed: int | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.classes = classes
        self.available = available
        self.seed = seed
        self.shared = MemberDense(classes, seed=seed, name="shared")

    def build(self, shapes: list[tuple[int | None, ...]]) -> None:
        """Create the shared classifier and, from two languages on, one per language."""
        members, _, size = shapes[0]
        self.shared.build(shapes[0])
        languages = len(self.available)
        if languages >= 2:
            shape = (languages, members, size, self.classes)
            self.own = self.add_weight(name="own_kernel", shape=shape, initializer="zeros")
            self.own_bias = self.add_weight(
                name="own_bias", shape=(languages, self.classes), initializer="zeros"
            )

    def call(self, inputs: list[Any]) -> Any:
        """See the class."""
        representation, language, possible = inputs
        logits = self.shared(representation)
        if len(self.available) < 2:
            return logits
        logits = logits + ops.einsum("bl,mbe,lmek->mbk", language, representation, self.own)
        logits = logits + ops.expand_dims(ops.matmul(language, self.own_bias), 0)
        available = ops.convert_to_tensor(self.available, dtype=logits.dtype)
        unknown = 1.0 - ops.sum(possible, axis=-1, keepdims=True)  # every class is possible then
        return logits + ops.expand_dims(ops.log(ops.matmul(possible, available) + unknown + 1e-9), 0)

    def compute_output_shape(self, shapes: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """-> (M, B, K)."""
        return (*shapes[0][:2], self.classes)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"classes": self.classes, "available": self.available, "seed": self.seed}
        return {**super().get_config(), **own}


def _unit(directions: Any) -> Any:
    return directions / ops.sqrt(ops.sum(ops.square(directions), axis=-1, keepdims=True) + 1e-12)


def _normal(deviation: float, seed: int | None, offset: int = 0) -> Any:
    return keras.initializers.RandomNormal(stddev=deviation, seed=None if seed is None else seed + offset)


def _glorot(seed: int | None) -> Any:
    return keras.initializers.GlorotUniform(seed=seed)
