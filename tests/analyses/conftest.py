"""Small finished runs whose features say what a test planted in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

HEAD = """
name = "toy"
[corpora]
toy = { reader = "manifest", path = "toy.csv" }
[data]
features_table = "toy.csv"
[protocol]
name = "speaker-kfold:2"
"""
ToyMaker = Callable[..., Path]


def table(
    names: Sequence[str],
    *,
    takes: int,
    planted: Mapping[str, Sequence[float]],
    emotions: Sequence[str] = ("anger", "neutral", "sadness"),
    labels: Callable[[int], Mapping[str, str]] = lambda speaker: {},
) -> pd.DataFrame:
    """Make utterances of two languages with four speakers each.

    Args:
        names: The features; what is not planted in them is noise of variance one.
        takes: Utterances of each speaker and emotion.
        planted: Feature -> what is added to it in each emotion.
        emotions: The emotions.
        labels: Number of a speaker (0 to 3) -> further columns.
    """
    rng = np.random.default_rng(0)
    rows = []
    for language in ("de", "it"):
        for speaker in range(4):
            for code, emotion in enumerate(emotions):
                for take in range(takes):
                    values = dict(zip(names, rng.normal(size=len(names)), strict=True))
                    for name, added in planted.items():
                        values[name] += added[code]
                    stem = f"{language}{speaker}{emotion[0]}{take}"
                    own = {"file": f"{stem}.wav", "utterance": stem, "language": language}
                    own |= {"speaker": f"{language}{speaker}", "emotion": emotion}
                    rows.append(own | dict(labels(speaker)) | values)
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def make_toy(tmp_path_factory: pytest.TempPathFactory) -> ToyMaker:
    """Make a finished run of the sections [training] and [model] of an experiment, and what `table` takes."""
    from msfl.execution import train
    from msfl.experiment import load_experiment

    def make(training: str, names: Sequence[str], **options: object) -> Path:
        folder = tmp_path_factory.mktemp("toy")
        table(names, **options).to_csv(folder / "toy.csv", index=False)  # type: ignore[arg-type]
        (folder / "toy.toml").write_text(HEAD + training, encoding="utf-8")
        train(load_experiment(folder / "toy.toml"), folder / "run", jobs=1, progress=False)
        return folder / "run"

    return make
