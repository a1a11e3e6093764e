"""Sound and features on the real corpora: every recording passes the door, and the values are openSMILE's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import opensmile
import pandas as pd
import pytest

from msfl.audio import SAMPLING_RATE, load, probe
from msfl.features.extraction import extract
from msfl.features.normalisation import LIMIT, Scaler

RATES = {"emodb": 16000, "ravdess": 16000, "emovo": 16000, "urdu": 44100, "emotiontts-ko": 22050}


def some(folder: Path, count: int = 4) -> list[Path]:
    files = sorted(folder.rglob("*.flac"))
    return files[:: len(files) // count][:count]


def tabulate(corpora: Path) -> pd.DataFrame:
    rows = [(f"{name}/{file.stem}", str(file), name) for name in RATES for file in some(corpora / name)]
    table = pd.DataFrame(rows, columns=["utterance", "file", "corpus"]).set_index("utterance")
    return table.assign(speaker=pd.NA).astype("string")


@pytest.mark.real
@pytest.mark.parametrize("name", RATES)
def test_native_rates_arrive_at_16_khz(corpora: Path, name: str) -> None:
    for file in some(corpora / name):
        sound = load(file)
        assert sound.original == probe(file)
        assert sound.original.sampling_rate == RATES[name]
        assert sound.sampling_rate == SAMPLING_RATE
        assert abs(sound.duration - sound.original.duration) < 0.001
        assert 0.001 < sound.signal.max() < 1
        assert sound.signal.min() >= -1


@pytest.mark.real
def test_16_khz_recordings_get_the_values_of_plain_opensmile(corpora: Path, tmp_path: Path) -> None:
    table = tabulate(corpora)
    table = table[table["corpus"] == "emodb"]
    ours = extract(table, "eGeMAPSv02", cache=tmp_path, progress=False).features
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    np.testing.assert_array_equal(ours, smile.process_files(list(table["file"])).to_numpy())


@pytest.mark.real
def test_all_corpora_pass_from_sound_to_normalised_features(corpora: Path, tmp_path: Path) -> None:
    table = tabulate(corpora)
    first = extract(table, "IS09", cache=tmp_path, jobs=2, progress=False)
    assert first.failures.empty
    assert first.features.shape == (20, 384)
    again = extract(table, "IS09", cache=tmp_path, jobs=1, progress=False)
    assert (again.extracted, again.fingerprint) == (0, first.fingerprint)
    for kind in ("train", "corpus", {**dict.fromkeys(RATES, "speaker"), "urdu": "train"}):
        scaled = Scaler(kind).fit(first.features, table).transform(first.features, table)  # type: ignore[arg-type]
        assert np.isfinite(scaled).all()
        assert np.abs(scaled).max() <= LIMIT
        assert scaled.std() > 0.5


@pytest.mark.real
def test_the_known_duplicate_of_ravdess_has_one_hash(corpora: Path, tmp_path: Path) -> None:
    files = [corpora / "ravdess" / "Actor_07" / f"03-01-03-01-02-{take}-07.flac" for take in ("01", "02")]
    table = pd.DataFrame(
        {"file": [str(file) for file in files]}, index=pd.Index(["a", "b"], name="utterance")
    )
    hashes = extract(table, "IS09", cache=tmp_path, progress=False).hashes
    assert hashes["a"] == hashes["b"]
