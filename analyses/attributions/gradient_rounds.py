"""One round of expected gradients for a batch of utterances, compiled: all wanted outputs share a forward pass.

A round draws K baselines x'_k without replacement from N background utterances and K points a_k, one from each K-th of
[0, 1], and has the gradients g_k at x'_k + a_k (x - x'_k). The plain estimate, the mean of (x - x'_k) g_k, varies
mostly with x'_k, even for a linear function. But the mean m of the background is known, so the part that only the
mean matters for need not be sampled:

    phi = E[(x - x') g] = (x - m) E[g] - Cov(x', g)
        ~ (x - m) mean_k g_k - c sum_k (x'_k - m)(g_k - mean g),    c = (N - 1) / (N (K - 1)).

c makes the sample covariance of a draw without replacement unbiased, so the estimate is as unbiased as the plain one;
for a linear function it is exact after one round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyses.attributions.targets import Target

Floats = NDArray[np.float32]
Pattern = tuple[int, ...]
"""Position of the task of each of S outputs."""


class GradientRounds:
    """Compiled rounds of expected gradients of one function.

    Args:
        function: Tensors of features (B, D) and language (B, L) -> outputs (B, K) by task.
        tasks: Names of the tasks, in the order of `Target`.
        background: Baselines, shape (N, D), N at least two.
        languages: Width L of the input `language`, which is held fixed.
        samples: Draws K of a round, 2 to N.
    """

    def __init__(
        self,
        function: Callable[[Any, Any], dict[str, Any]],
        tasks: Sequence[str],
        background: Floats,
        languages: int,
        samples: int,
    ) -> None:
        self.function = function
        self.tasks = tuple(tasks)
        self.background = background
        self.languages = languages
        self.samples = samples
        self._compiled: dict[Pattern, Any] = {}

    def draw(self, rng: np.random.Generator) -> tuple[NDArray[np.int32], Floats]:
        """Draw the baselines (row numbers) and points of one round of one utterance, each of shape (K,)."""
        rows = rng.permutation(len(self.background))[: self.samples]
        points = (np.arange(self.samples) + rng.random(self.samples)) / self.samples
        return rows.astype(np.int32), points.astype(np.float32)

    def run(
        self,
        targets: Sequence[tuple[Target, ...]],
        features: Floats,
        language: Floats,
        draws: Sequence[tuple[NDArray[np.int32], Floats]],
    ) -> Floats:
        """Estimate the attributions of a batch.

        Args:
            targets: The S outputs of each utterance; all utterances have the same tasks in the same places.
            features: Shape (B, D).
            language: Shape (B, L).
            draws: What `draw` gave for each utterance.

        Returns:
            Shape (B, S, D).
        """
        import tensorflow as tf

        pattern = tuple(task for task, _ in targets[0])
        if pattern not in self._compiled:
            self._compiled[pattern] = self._compile(pattern)
        codes = np.array([[code for _, code in each] for each in targets], dtype=np.int32)
        given = (features, language, codes, np.array([d[0] for d in draws]), np.array([d[1] for d in draws]))
        return np.asarray(self._compiled[pattern](*map(tf.constant, given)).numpy())

    def _compile(self, pattern: Pattern) -> Any:
        """Trace the round for outputs of these tasks: one forward pass, one backward pass per output."""
        import tensorflow as tf

        size, features = self.background.shape
        samples, outputs = self.samples, len(pattern)
        correction = (size - 1) / (size * (samples - 1))
        background = tf.constant(self.background)
        mean = tf.constant(self.background.mean(axis=0, dtype=np.float64).astype(np.float32))

        # One trace for any number of utterances.
        @tf.function(  # type: ignore[untyped-decorator]
            input_signature=(
                tf.TensorSpec([None, features], tf.float32),
                tf.TensorSpec([None, self.languages], tf.float32),
                tf.TensorSpec([None, outputs], tf.int32),
                tf.TensorSpec([None, samples], tf.int32),
                tf.TensorSpec([None, samples], tf.float32),
            ),
            autograph=False,
        )
        def estimate(x: Any, language: Any, codes: Any, draws: Any, points: Any) -> Any:
            baselines = tf.gather(background, draws)  # (B, K, D)
            between = baselines + points[:, :, None] * (x[:, None] - baselines)
            flat = tf.reshape(between, (-1, features))
            languages = tf.repeat(language, samples, axis=0)
            repeated = tf.repeat(codes, samples, axis=0)
            with tf.GradientTape(persistent=outputs > 1, watch_accessed_variables=False) as tape:
                tape.watch(flat)
                found = self.function(flat, languages)
                chosen = [
                    tf.gather(found[self.tasks[task]], repeated[:, place], batch_dims=1)
                    for place, task in enumerate(pattern)
                ]
            deviation = baselines - mean
            values = []
            for output in chosen:
                gradient = tf.reshape(_dense(tape.gradient(output, flat), flat), (-1, samples, features))
                average = tf.reduce_mean(gradient, axis=1)
                spread = tf.reduce_sum(deviation * (gradient - average[:, None]), axis=1)
                values.append((x - mean) * average - correction * spread)
            return tf.stack(values, axis=1)

        return estimate


def _dense(gradient: Any, like: Any) -> Any:
    """Return a gradient as a tensor; zeros where the output does not depend on the input."""
    import tensorflow as tf

    return tf.zeros_like(like) if gradient is None else tf.convert_to_tensor(gradient)
