"""How fast features are extracted: real-time factor against plain openSMILE, and what the second run costs.

    python benchmarks/extraction.py [--features IS10] [--files 40] [--corpus FOLDER]

Prints, for one and two workers, seconds of sound per second for `opensmile.Smile.process_files` and for
`msfl.features.extraction.extract`, both on the same files, and the number of extractions of a second run (0).
Without --corpus the sound is made here: buzzes with vibrato and noise at 16 kHz.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import opensmile
import pandas as pd
import soundfile

from msfl.audio import probe
from msfl.features.extraction import extract

SUFFIXES = {".wav", ".flac"}


def make(folder: Path, count: int, seconds: float, rate: int = 16000) -> list[Path]:
    """Write `count` speech-like recordings of `seconds` each."""
    rng = np.random.default_rng(0)
    clock = np.arange(round(rate * seconds)) / rate
    files = []
    for number in range(count):
        pitch = rng.uniform(80, 300)
        phase = 2 * np.pi * (pitch * clock + np.sin(2 * np.pi * 5 * clock))
        buzz = sum(np.cos(k * phase) / k for k in range(1, int(7000 / pitch)))
        syllables = np.clip(np.sin(2 * np.pi * rng.uniform(1, 3) * clock), 0, 1)
        sound = 0.1 * syllables * buzz + 0.002 * rng.standard_normal(len(clock))
        files.append(folder / f"{number:04d}.wav")
        soundfile.write(files[-1], np.clip(sound, -0.99, 0.99), rate)
    return files


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def plain(files: list[Path], features: str, workers: int) -> None:
    """Extract with the package alone, as its documentation shows it."""
    smile = opensmile.Smile(
        opensmile.FeatureSet[features], opensmile.FeatureLevel.Functionals, num_workers=workers
    )
    smile.process_files([str(file) for file in files])


def benchmark(files: list[Path], features: str, folder: Path) -> None:
    """Time both on `files` and print one line each."""
    sound = sum(probe(file).duration for file in files)
    table = pd.DataFrame({"file": [str(file) for file in files]}, index=[str(n) for n in range(len(files))])
    print(f"{len(files)} files, {sound:.0f} s of sound, {features}")
    base = 0.0
    for workers in (1, 2):
        for name in ("opensmile process_files", "msfl extract"):
            if name == "msfl extract":
                cache = folder / f"cache-{workers}"
                work = partial(extract, table, features, cache=cache, jobs=workers, progress=False)
            else:
                work = partial(plain, files, features, workers)
            spent = timed(work)
            factor = sound / spent
            base = base or factor
            print(f"{name:24s} {workers} worker(s): {factor:6.1f} x real time, ratio {factor / base:.2f}")
    start = time.perf_counter()
    again = extract(table, features, cache=folder / "cache-1", jobs=2, progress=False)
    factor = sound / (time.perf_counter() - start)
    print(
        f"{'msfl extract, repeated':24s} 2 worker(s): {factor:6.0f} x real time, {again.extracted} extracted"
    )


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", default="IS10", choices=list(opensmile.FeatureSet.__members__))
    parser.add_argument("--files", type=int, default=40, help="number of files to make or to take")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a file that is made")
    parser.add_argument("--corpus", type=Path, help="folder of recordings to take instead")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning, module="opensmile")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.corpus:
            found = sorted(file for file in arguments.corpus.rglob("*") if file.suffix.lower() in SUFFIXES)
            files = found[:: max(1, len(found) // arguments.files)][: arguments.files]
            if not files:
                parser.error(f"there is no .wav or .flac file in '{arguments.corpus}'")
        else:
            files = make(folder, arguments.files, arguments.seconds)
        benchmark(files, arguments.features, folder)


if __name__ == "__main__":
    main()
