"""Utterances per second in training: every multitask system as it is, against plain Keras.

    python benchmarks/systems.py [--quick] [NAME ...]

Per system, in a process of its own and with one thread: recordings of 1 to 6 s are generated, then the system's
network is trained for some seconds, once as `msfl train` does and once under `model.fit` with a generator that does
what one would write first: frames computed anew from the wave for each batch, batches in random order, padded to the
longest recording. The network, the losses and the optimiser are the same; other parts of a system (an adversary, an
extreme learning machine) are in neither. It prints both rates, their ratio, and the peak memory of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from msfl.models.contract import Dataset
    from msfl.models.multitask import MultitaskSystem

FEATURES = 1582
CLASSES = {"emotion": 7, "speaker": 20, "language": 3}
"""Number of classes of a task; three of any other."""


def names() -> list[str]:
    """Return the registered systems that derive from `MultitaskSystem`, without their variants."""
    from msfl.models.registry import registry, system_class
    from msfl.quiet import quiet_stderr

    with quiet_stderr():
        from msfl.models.multitask import MultitaskSystem

    found = []
    for name, entry in registry().items():
        kind = system_class(name)
        if isinstance(kind, type) and issubclass(kind, MultitaskSystem) and not entry.defaults:
            found.append(name)
    return found


def dataset(folder: Path, system: MultitaskSystem, name: str, count: int) -> Dataset:
    """Generate recordings, bring their frames into a cache, and return what a fold would be."""
    import numpy as np
    import pandas as pd
    import soundfile

    from msfl.features.normalisation import Scaler
    from msfl.models.contract import Dataset
    from msfl.models.registry import tasks_of_system
    from msfl.sequences.extraction import extract_sequences
    from msfl.sequences.kinds import FEATURES as UTTERANCE_LEVEL
    from msfl.sequences.sequences import fit_scaler, make_sequences
    from msfl.tasks import Task

    random = np.random.default_rng(0)
    learnt = tasks_of_system(name, ("emotion", "language"), {})
    tasks = tuple(Task(task, tuple(f"c{code}" for code in range(CLASSES.get(task, 3)))) for task in learnt)
    rows = []
    for place in range(count):
        file = folder / f"{place}.wav"
        seconds = float(np.clip(random.lognormal(0.9, 0.4), 1, 6))
        soundfile.write(file, random.normal(0, 0.1, int(16000 * seconds)), 16000)
        rows.append({"utterance": f"x/{place}", "file": str(file), "corpus": "x", "speaker": "x/s"})
    table = pd.DataFrame(rows).set_index("utterance")
    sequences = {}
    for kind in set(system.inputs) - {UTTERANCE_LEVEL}:
        frames = extract_sequences(table, kind, cache=folder / "cache", progress=False).table
        scaler = fit_scaler(Scaler("train"), frames, table)
        sequences[kind] = make_sequences(kind, frames, scaler, table, folder / "cache")
    blank = np.array(["x"] * count)
    return Dataset(
        utterances=np.array(table.index, dtype=str),
        features=random.normal(size=(count, FEATURES)).astype(np.float32),
        feature_names=tuple(f"f{place}" for place in range(FEATURES)),
        tasks=tasks,
        targets={task.name: random.integers(len(task.classes), size=count) for task in tasks},
        language=blank,
        corpus=blank,
        speaker=blank,
        sequences=sequences,
    )


def ours(system: MultitaskSystem, data: Dataset, seconds: float) -> float:
    """Train as `msfl train` does; return utterances per second, without the time to compile."""
    from msfl.training import Schedule

    def clocked(epochs: int) -> float:
        system.schedule = replace(schedule, epochs=epochs, min_steps=0, patience=0)
        start = time.perf_counter()
        system.fit(data, None, seed=0)
        return time.perf_counter() - start

    schedule: Schedule = system.schedule
    clocked(1)  # what is loaded and looked up once
    base, more = clocked(1), 4  # the time to trace the step is in both
    while (longer := clocked(1 + more) - base) < seconds:
        more *= 2
    return len(data) * more / longer


def plain(system: MultitaskSystem, data: Dataset, folder: Path, seconds: float) -> float:
    """Train the same network under `fit`; return utterances per second after the first epoch."""
    import keras

    network = system.build(system.plan(data, 0))
    network = keras.Model(network.inputs, {task.name: network.output[task.name] for task in data.tasks})
    network.compile(keras.optimizers.AdamW(1e-3), {task.name: cross_entropy for task in data.tasks})
    size = system.schedule.batch_size
    steps = max(1, len(data) // size)
    generator = batches(system, data, folder, size)
    network.fit(generator, steps_per_epoch=steps, epochs=1, verbose=0)
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        network.fit(generator, steps_per_epoch=steps, epochs=1, verbose=0)
        done += steps * size
    return done / (time.perf_counter() - start)


def cross_entropy(codes: Any, logits: Any) -> Any:
    """Return the losses (B,) of logits (B, K), or their mean over the steps or members of (T, B, K)."""
    from keras import losses, ops

    members = logits if len(logits.shape) == 3 else logits[None]
    codes = ops.broadcast_to(ops.reshape(codes, (1, -1)), ops.shape(members)[:2])
    return ops.mean(losses.sparse_categorical_crossentropy(codes, members, from_logits=True), axis=0)


def batches(
    system: MultitaskSystem, data: Dataset, folder: Path, size: int
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield random batches, frames computed from the recordings, padded to the longest of all."""
    import numpy as np

    from msfl import audio
    from msfl.models.multitask import in_memory
    from msfl.sequences.kinds import sequence_kind

    whole = in_memory(data, system.inputs)
    random = np.random.default_rng(1)
    while True:
        rows = random.choice(len(data), size, replace=False)
        inputs: dict[str, Any] = {name: values[rows] for name, values in whole.items()}
        for name, one in data.sequences.items():
            kind = sequence_kind(name)
            lengths = one.lengths(system.longest)
            frames = np.zeros((size, lengths.max(), kind.width), np.float32)
            for place, row in enumerate(rows):
                values = kind.compute(audio.load(folder / f"{row}.wav").signal)[: lengths[row]]
                values = (values - one.centre[row]) * one.factor[row]
                frames[place, : len(values)] = values.clip(-5, 5)
            inputs[name], inputs[f"{name}_frames"] = frames, lengths[rows].astype(np.float32)[:, None]
        yield inputs, {task: codes[rows] for task, codes in data.targets.items()}


def worker(name: str, way: str, count: int, seconds: float) -> None:
    """Measure one system in one way and print the result as JSON."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from msfl.models.registry import get_system

    system: Any = get_system(name)
    with tempfile.TemporaryDirectory() as folder:
        data = dataset(Path(folder), system, name, count)
        rate = ours(system, data, seconds) if way == "msfl" else plain(system, data, Path(folder), seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({"rate": rate, "peak": peak}), flush=True)


def measure(name: str, way: str, count: int, seconds: float) -> dict[str, float] | str:
    """Run a worker; return what it measured, or its last words."""
    command = [
        sys.executable,
        __file__,
        "--worker",
        way,
        "--count",
        str(count),
        "--seconds",
        str(seconds),
        name,
    ]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure every system both ways and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="systems; by default all")
    parser.add_argument("--quick", action="store_true", help="fewer recordings, one second each")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=160, help="recordings")
    parser.add_argument("--seconds", type=float, default=4.0, help="of training, about")
    given = parser.parse_args()
    if given.worker:
        worker(given.names[0], given.worker, given.count, given.seconds)
        return
    count, seconds = (64, 1.0) if given.quick else (given.count, given.seconds)
    print(f"{count} recordings of 1 to 6 s, one thread each; utterances per second of training")
    print(f"{'system':26} {'msfl':>8} {'plain':>8} {'ratio':>7} {'peak memory':>12}")
    for name in given.names or names():
        found = {way: measure(name, way, count, seconds) for way in ("msfl", "plain")}
        fast, slow = found["msfl"], found["plain"]
        if isinstance(fast, str) or isinstance(slow, str):
            print(f"{name:26} could not be measured: {fast if isinstance(fast, str) else slow}")
            continue
        ratio = fast["rate"] / slow["rate"]
        print(f"{name:26} {fast['rate']:8.0f} {slow['rate']:8.0f} {ratio:6.1f}x {fast['peak']:9.2f} GB")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"Load of the machine at the end (the benchmark itself makes 1): {load:.1f}")


if __name__ == "__main__":
    main()
