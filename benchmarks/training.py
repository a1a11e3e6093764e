"""Utterances per second in training: `keras.layers.LSTM` under `fit` against `FusedLSTM`.

One network for both: a vector per feature, an LSTM over the features, attention, a softmax; IS10's 1582
features, 64 units, batches of 32. Run it on an idle machine:

    python benchmarks/training.py

It prints the rate of the stock layer as a user would have it (one process, all cores), of both layers in one
process with one thread, and of both in two such processes; the ratio to the first; and which part of the
measured rate of matrix multiplication (sgemm) the arithmetic of the LSTM reaches.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

FEATURES, EMBEDDING, UNITS, BATCH, CLASSES = 1582, 16, 64, 32, 7
SECONDS = 5.0
ROUNDS = 2
CORES = 2
FLOP = 3 * 2 * (EMBEDDING + UNITS) * 4 * UNITS * FEATURES
"""Multiplications and additions of the LSTM per utterance: forward, and twice as many backward."""

CONFIGURATIONS = {
    "stock, 1 process, all cores": ("stock", 1, 0),
    "stock, 1 process, 1 thread": ("stock", 1, 1),
    f"stock, {CORES} processes, 1 thread": ("stock", CORES, 1),
    "fused, 1 process, 1 thread": ("fused", 1, 1),
    f"fused, {CORES} processes, 1 thread": ("fused", CORES, 1),
}
"""Name -> layer, number of processes, threads of each (0: as many as TensorFlow likes)."""


def network(kind: str) -> Any:
    """Return the compiled network with one layer or the other; the fused one runs time-major."""
    import keras

    class Embed(keras.layers.Layer):  # type: ignore[misc]
        """(B, D) -> (D, B, E): each feature has a direction of its own."""

        def build(self, shape: tuple[int, ...]) -> None:
            self.kernel = self.add_weight(shape=(shape[1], 1, EMBEDDING))

        def call(self, x: Any) -> Any:
            return keras.ops.transpose(x)[:, :, None] * self.kernel

    inputs = keras.Input((FEATURES,))
    steps = Embed()(inputs)
    if kind == "fused":
        from msfl.models.lstm import FusedLSTM

        hidden, axis = FusedLSTM(UNITS, time_major=True)(steps), 0
    else:
        steps = keras.ops.transpose(steps, (1, 0, 2))
        hidden, axis = keras.layers.LSTM(UNITS, return_sequences=True)(steps), 1
    weights = keras.ops.softmax(keras.layers.Dense(1)(hidden), axis=axis)
    context = keras.ops.sum(weights * hidden, axis=axis)
    model = keras.Model(inputs, keras.layers.Dense(CLASSES, activation="softmax")(context))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def worker(kind: str, threads: int) -> None:
    """Warm up, wait for a line, train for `SECONDS`; print what it measured as JSON."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    import keras
    import numpy as np

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        """Stops the training after `SECONDS`; looks at the clock once per epoch of four batches."""

        def on_train_begin(self, logs: Any = None) -> None:
            self.start, self.epochs = time.perf_counter(), 0

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.epochs += 1
            self.seconds = time.perf_counter() - self.start
            self.model.stop_training = self.seconds >= SECONDS

    random = np.random.default_rng(0)
    x = random.normal(size=(4 * BATCH, FEATURES)).astype("float32")
    y = random.integers(CLASSES, size=len(x))
    model = network(kind)
    model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
    print("ready", flush=True)
    sys.stdin.readline()
    clock = Clock()
    model.fit(x, y, batch_size=BATCH, epochs=10_000, verbose=0, callbacks=[clock])
    result = {"rate": clock.epochs * len(x) / clock.seconds, "sgemm": sgemm()}
    print(json.dumps(result), flush=True)


def sgemm(size: int = 1024, seconds: float = 1.0) -> float:
    """Return the rate of a large product of float32 matrices, in floating point operations per second."""
    import tensorflow as tf

    matrix = tf.random.normal((size, size))
    product = tf.matmul(matrix, matrix)
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        product = tf.matmul(matrix, matrix)
        product.numpy()
        count += 1
    return 2 * size**3 * count / (time.perf_counter() - start)


def measure(kind: str, processes: int, threads: int) -> tuple[float, float]:
    """Return utterances per second and sgemm rate, summed over processes that run at the same time."""
    command = [sys.executable, __file__, "--worker", kind, str(threads)]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    workers = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        for _ in range(processes)
    ]
    for process in workers:
        assert process.stdout
        if process.stdout.readline().strip() != "ready":
            raise SystemExit(f"A worker failed; run it by hand to see why: {' '.join(command)}")
    for process in workers:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [json.loads(process.communicate()[0]) for process in workers]
    return sum(answer["rate"] for answer in answers), sum(answer["sgemm"] for answer in answers)


def main() -> None:
    """Measure every configuration in turn, several times, and print a table."""
    rates: dict[str, list[float]] = {name: [] for name in CONFIGURATIONS}
    sgemms: dict[str, list[float]] = {name: [] for name in CONFIGURATIONS}
    for _ in range(ROUNDS):
        for name, configuration in CONFIGURATIONS.items():
            rate, product = measure(*configuration)
            rates[name].append(rate)
            sgemms[name].append(product)
    print(f"{FEATURES} features, {UNITS} units, batch {BATCH}; median of {ROUNDS} rounds of {SECONDS:.0f} s")
    stock = statistics.median(next(iter(rates.values())))
    for name, values in rates.items():
        rate, product = statistics.median(values), statistics.median(sgemms[name])
        print(
            f"{name:32} {rate:6.0f} utterances/s ({min(values):.0f}-{max(values):.0f})"
            f"  {rate / stock:5.2f} x stock"
            f"  {rate * FLOP / product:4.0%} of sgemm at {product / 1e9:.0f} Gflop/s"
        )
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"Load of the machine at the end (the benchmark itself makes up to {CORES}): {load:.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(sys.argv[2], int(sys.argv[3]))
    else:
        main()
