"""Layers over padded sequences: what they compute, and that padding has no say in it."""

import keras
import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from msfl.models.multitask import EMBEDDING, NetworkPlan
from msfl.models.sequence_layers import AttentionPooling, FrameMask, StatisticsPooling, same_grid
from msfl.tasks import Task

WIDTH = 5
RNG = np.random.default_rng(0)


def _softmax(values):
    shifted = np.exp(values - values.max())
    return shifted / shifted.sum()


def _padded(sequences, more):
    longest = max(map(len, sequences)) + more
    values = RNG.normal(size=(len(sequences), longest, sequences[0].shape[1])).astype(np.float32) * 50
    for row, sequence in enumerate(sequences):
        values[row, : len(sequence)] = sequence
    return values


def _call(layer, values, frames):
    found = layer(values, np.asarray(frames, np.float32)[:, None])
    return [np.asarray(one) for one in (found if isinstance(found, tuple) else (found,))]


lengths_of = st.lists(st.integers(1, 12), min_size=1, max_size=4)


@settings(deadline=None, max_examples=30)
@given(lengths=lengths_of, more=st.integers(0, 5), stride=st.integers(1, 4))
def test_attention_pooling_is_a_softmax_over_the_own_steps(lengths, more, stride):
    sequences = [RNG.normal(size=(length, WIDTH)).astype(np.float32) for length in lengths]
    layer = AttentionPooling(stride, seed=1)
    # The last frame of a step may be missing: a step counts if a frame of it is there.
    frames = [length * stride - (stride - 1) * (row % 2) for row, length in enumerate(lengths)]
    pooled, weights = _call(layer, _padded(sequences, more), frames)
    kernel = np.asarray(layer.kernel)[:, 0]
    for row, sequence in enumerate(sequences):
        alpha = _softmax(sequence @ kernel)
        np.testing.assert_allclose(weights[row, : len(sequence)], alpha, rtol=1e-4, atol=1e-6)
        assert not weights[row, len(sequence) :].any()
        np.testing.assert_allclose(pooled[row], alpha @ sequence, rtol=1e-3, atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(lengths=lengths_of, more=st.integers(0, 5), stride=st.integers(1, 4))
def test_statistics_are_those_of_the_own_steps(lengths, more, stride):
    sequences = [RNG.normal(size=(length, WIDTH)).astype(np.float32) for length in lengths]
    (found,) = _call(StatisticsPooling(stride), _padded(sequences, more), np.multiply(lengths, stride))
    for row, one in enumerate(sequences):
        expected = np.concatenate([one.mean(0), np.sqrt(one.var(0) + 1e-6), one.max(0)])
        np.testing.assert_allclose(found[row], expected, rtol=1e-3, atol=1e-4)


def test_the_mask_is_zero_behind_the_end_only():
    values = np.ones((3, 4, 2, 2), np.float32)
    (found,) = _call(FrameMask(stride=4), values, [1, 8, 9])
    assert found[:, :, 0, 0].tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]]


@pytest.mark.parametrize("layer", [FrameMask(3), AttentionPooling(3, seed=4), StatisticsPooling(3)])
def test_layers_come_back_from_their_configuration(layer):
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    shape = layer.compute_output_shape((2, 5, WIDTH), (2, 1))
    found = layer(np.ones((2, 5, WIDTH), np.float32), np.full((2, 1), 9, np.float32))
    wanted = [tuple(one.shape) for one in found] if isinstance(found, tuple) else [tuple(found.shape)]
    assert (list(map(tuple, shape)) if isinstance(found, tuple) else [tuple(shape)]) == wanted


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (5, 4), (4, 4), (3, 1)])
@pytest.mark.parametrize("steps", [1, 4, 7, 8])
def test_the_grid_of_a_convolution_does_not_depend_on_the_length(kernel, stride, steps):
    convolution = keras.layers.Conv2D(2, kernel, strides=stride)
    values = RNG.normal(size=(1, 40, 8, 1)).astype(np.float32)
    values[:, steps:] = 0
    short = convolution(same_grid(kernel)(values[:, :steps]))
    count = -(-steps // stride)
    assert short.shape[1] == count
    np.testing.assert_allclose(short, convolution(same_grid(kernel)(values))[:, :count], atol=1e-5)


@pytest.fixture(scope="module")
def network():
    from msfl.models.mtl_cnn import MTLCNN

    tasks = (Task("emotion", ("a", "b", "c")), Task("gender", ("f", "m")))
    system = MTLCNN(channels=(4, 6), kernels=(5, 3), strides=(4, 2), size=7)
    return system.build(NetworkPlan(tasks, {"log-mel": 64}, seed=3))


@settings(deadline=None, max_examples=15, phases=[Phase.explicit, Phase.generate])  # shrinking takes minutes
@example(lengths=[1, 1], more=1)
@example(lengths=[35, 36, 37], more=0)
@given(lengths=st.lists(st.integers(1, 120), min_size=2, max_size=4), more=st.integers(0, 60))
def test_what_the_network_says_does_not_depend_on_the_padding(network, lengths, more):
    values = np.zeros((len(lengths), max(lengths) + more, 64), np.float32)
    for row, length in enumerate(lengths):
        values[row, :length] = np.random.default_rng(row).normal(size=(length, 64))
    frames = np.array(lengths, np.float32)[:, None]
    together = network({"log-mel": values, "log-mel_frames": frames}, training=False)
    assert set(together) == {"emotion", "gender", EMBEDDING}
    for row, length in enumerate(lengths):
        part = {"log-mel": values[row : row + 1, :length], "log-mel_frames": frames[row : row + 1]}
        alone = network(part, training=False)
        for key, value in alone.items():
            np.testing.assert_allclose(value[0], together[key][row], rtol=1e-3, atol=1e-4)
