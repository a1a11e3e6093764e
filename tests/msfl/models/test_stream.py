"""Batches of frame-level inputs: every row once, little padding, the same for a seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msfl.models.stream import FRAMES, Stream
from msfl.sequences.cache import SequenceCache, SequenceEntry
from msfl.sequences.kinds import KINDS
from msfl.sequences.sequences import Sequences


def make_sequences(folder, lengths, seed=0):
    """Cached log-mel frames of noise, normalised by nothing."""
    rng = np.random.default_rng(seed)
    cache = SequenceCache(folder, KINDS["log-mel"])
    keys = [f"{place:064x}" for place in range(len(lengths))]
    for key, length in zip(keys, lengths, strict=True):
        cache.put(key, SequenceEntry(rng.normal(size=(length, 64)).astype(np.float32), "00" * 32))
    return _sequences(lengths, folder, keys)


def _sequences(lengths, folder="unused", keys=None):
    count = len(lengths)
    return Sequences(
        kind="log-mel",
        keys=np.array(keys or [""] * count),
        frames=np.asarray(lengths, dtype=np.int64),
        centre=np.zeros((count, 64), np.float32),
        factor=np.ones((count, 64), np.float32),
        folder=folder,
    )


@settings(deadline=None, max_examples=50)
@given(
    lengths=st.lists(st.integers(1, 3000), min_size=1, max_size=60),
    size=st.integers(1, 16),
    seed=st.integers(0, 99),
)
def test_batches_hold_every_row_once(lengths, size, seed):
    stream = Stream({"log-mel": _sequences(lengths)}, longest=10.0)
    number = max(1, len(lengths) // size)
    batches = stream.batches(np.random.default_rng(seed), number)
    assert len(batches) == number
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert max(map(len, batches)) - min(map(len, batches)) <= 1
    again = stream.batches(np.random.default_rng(seed), number)
    assert all(np.array_equal(one, other) for one, other in zip(batches, again, strict=True))
    ordered = stream.in_order(size)
    assert sorted(np.concatenate(ordered)) == list(range(len(lengths)))
    assert all(len(batch) <= size for batch in ordered)


def test_padding_is_small_and_batches_vary():
    lengths = np.random.default_rng(0).lognormal(5.5, 0.5, 2000).astype(int) + 10
    stream = Stream({"log-mel": _sequences(lengths)}, longest=10.0)

    def padding(batches):
        read = np.minimum(lengths, 1000)
        return sum(len(rows) * read[rows].max() for rows in batches) / read.sum() - 1

    rng = np.random.default_rng(1)
    epochs = [stream.batches(rng, 2000 // 32) for _ in range(2)]
    by_chance = padding(np.array_split(rng.permutation(2000), 2000 // 32))
    assert by_chance > 1.0
    assert all(padding(batches) < 0.35 for batches in epochs)
    assert padding(stream.in_order(32)) < 0.05
    together = [
        {frozenset((int(a), int(b))) for rows in batches for a in rows for b in rows} for batches in epochs
    ]
    assert len(together[0] & together[1]) / len(together[0]) < 0.5


def test_reading_ahead_gives_the_inputs_of_each_batch(tmp_path):
    stream = Stream({"log-mel": make_sequences(tmp_path, [40, 7, 300, 1200])}, longest=10.0)
    for rows, inputs in stream.ahead(stream.in_order(2)):
        expected = stream.read(rows)
        assert inputs.keys() == expected.keys() == {"log-mel", "log-mel" + FRAMES}
        for key in inputs:
            np.testing.assert_array_equal(inputs[key], expected[key])
    assert stream.read(np.array([1]))["log-mel"].shape == (1, 25, 64)  # a quarter of a second at least
    assert stream.read(np.array([3]))["log-mel"].shape == (1, 1000, 64)


def test_what_goes_wrong_in_the_reading_thread_is_heard(tmp_path):
    from msfl.errors import DataError

    sequences = make_sequences(tmp_path, [40, 50])
    next(tmp_path.rglob("*.seq")).unlink()
    stream = Stream({"log-mel": sequences}, longest=10.0)
    with pytest.raises(DataError, match="The cache no longer holds"):
        list(stream.ahead(stream.in_order(1)))
