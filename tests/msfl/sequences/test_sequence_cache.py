"""What the cache of sequences gives back, and what makes it extract anew."""

from dataclasses import replace

import numpy as np
import pytest

from msfl.errors import DataError
from msfl.sequences.cache import SequenceCache, SequenceEntry
from msfl.sequences.extraction import extract_sequences
from msfl.sequences.kinds import KINDS, cache_options

HASH = "ab" * 32
ERROR = {
    "log-mel": lambda x: 2**-11 * np.abs(x) + 1e-7,
    "egemaps-lld": lambda x: 0 * x,
    "wave": lambda x: 0.5 / 32768 + 0 * x,
}
"""Largest difference between a value and what the store gives back: float16, float32, 16-bit integers."""


@pytest.mark.parametrize("name", list(KINDS))
def test_each_kind_comes_back_within_the_precision_of_its_store(tmp_path, name):
    kind = KINDS[name]
    scale = 0.3 if name == "wave" else 12.0
    frames = (
        np.random.default_rng(1).normal(0, scale, (50, kind.width)).clip(-1 if name == "wave" else -20, 20)
    )
    if name == "wave":
        frames = frames.clip(-1, 32767 / 32768)
    frames = frames.astype(np.float32)
    put = SequenceCache(tmp_path, kind).put("0" * 64, SequenceEntry(frames, HASH))
    got = SequenceCache(tmp_path, kind).get("0" * 64)
    assert got is not None
    assert got.sound_hash == HASH
    assert got.frames.dtype == np.float32
    assert (np.abs(got.frames - frames) <= ERROR[name](frames)).all()
    np.testing.assert_array_equal(put.frames, got.frames)  # the first run sees what the second will


def test_sixteen_bit_samples_come_back_exactly(tmp_path):
    samples = np.array([-32768, -1, 0, 1, 32767]) / 32768
    cache = SequenceCache(tmp_path, KINDS["wave"])
    cache.put("0" * 64, SequenceEntry(samples.astype(np.float32)[:, None], HASH))
    np.testing.assert_array_equal(cache.read("0" * 64)[:, 0], samples)


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "foreign"])
def test_a_damaged_entry_is_extracted_anew(record, table, tmp_path, damage):
    rows = table(record("a.wav"))
    first = extract_sequences(rows, "log-mel", cache=tmp_path / "cache", jobs=1, progress=False)
    (file,) = (tmp_path / "cache").rglob("*.seq")
    content = file.read_bytes()
    file.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "flipped": content[:100] + bytes([content[100] ^ 1]) + content[101:],
            "emptied": b"",
            "foreign": b"something else that stands here",
        }[damage]
    )
    cache, key = SequenceCache(tmp_path / "cache", KINDS["log-mel"]), first.table["key"].iloc[0]
    assert cache.get(key) is None
    with pytest.raises(DataError, match=r"no longer holds the log-mel of a recording .*Repeat the command"):
        cache.read(key)
    again = extract_sequences(rows, "log-mel", cache=tmp_path / "cache", jobs=1, progress=False)
    assert again.extracted == 1
    assert file.read_bytes() == content
    assert extract_sequences(rows, "log-mel", cache=tmp_path / "cache", jobs=1, progress=False).extracted == 0


def test_the_key_changes_with_the_recording_the_kind_and_its_options(record, tmp_path):
    kind = KINDS["log-mel"]
    file, other = record("a.wav"), record("b.wav")
    key = SequenceCache(tmp_path, kind).key(file)
    copy = tmp_path / "elsewhere.wav"
    copy.write_bytes(file.read_bytes())
    assert SequenceCache(tmp_path, kind).key(copy) == key  # not with its name
    keys = {
        key,
        SequenceCache(tmp_path, kind).key(other),
        SequenceCache(tmp_path, KINDS["wave"]).key(file),
        SequenceCache(tmp_path, replace(kind, how=lambda: "log-mel/128 bands")).key(file),
    }
    assert len(keys) == 4


def test_options_name_everything_that_decides_about_the_values():
    from msfl import audio
    from msfl.sequences import log_mel

    options = cache_options(KINDS["log-mel"])
    assert log_mel.OPTIONS in options
    assert audio.OPTIONS in options
    assert "opensmile" in cache_options(KINDS["egemaps-lld"])
