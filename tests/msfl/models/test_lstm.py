import keras
import numpy as np
import pytest
import tensorflow as tf

from msfl.models.lstm import FusedLSTM

SHAPES = [(1, 2, 1, 1), (3, 7, 2, 5), (4, 50, 16, 8), (2, 400, 3, 32)]


def pair(batch, steps, inputs, units, *, seed=0, **options):
    """A stock layer and ours with the same random weights, and sequences for them."""
    keras.utils.set_random_seed(seed)
    stock = keras.layers.LSTM(units, return_sequences=options.get("return_sequences", True))
    fused = FusedLSTM(units, **options)
    x = np.random.default_rng(seed).normal(size=(batch, steps, inputs)).astype("float32")
    stock.build(x.shape)
    fused.build(x.shape)
    weights = [
        weight + np.random.default_rng(1).normal(0, 0.3, weight.shape) for weight in stock.get_weights()
    ]
    stock.set_weights(weights)
    fused.set_weights(weights)
    return stock, fused, tf.constant(x)


def outputs_and_gradients(layer, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        # A weight per output, so that no two errors can cancel in the sum.
        scalar = tf.reduce_mean(
            y * tf.reshape(tf.sin(1.0 + tf.range(tf.size(y), dtype=tf.float32)), tf.shape(y))
        )
    return y, *tape.gradient(scalar, [x, *[weight.value for weight in layer.trainable_weights]])


def assert_equal(found, expected):
    assert len(found) == len(expected) == 5
    for one, other in zip(found, expected, strict=True):
        assert np.abs(other).max() > 0
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("return_sequences", [True, False])
def test_outputs_and_gradients_are_those_of_keras(shape, compiled, return_sequences):
    stock, fused, x = pair(*shape, return_sequences=return_sequences)
    run = tf.function(outputs_and_gradients) if compiled else outputs_and_gradients
    assert_equal(run(fused, x), tf.function(outputs_and_gradients)(stock, x))


def test_gradients_agree_relative_to_their_size():
    stock, fused, x = pair(3, 40, 4, 6)
    for one, other in zip(outputs_and_gradients(fused, x), outputs_and_gradients(stock, x), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())


def test_time_major_is_the_same_layer_transposed():
    stock, fused, x = pair(3, 7, 2, 5, time_major=True)
    swapped = tf.transpose(x, (1, 0, 2))
    np.testing.assert_allclose(tf.transpose(fused(swapped), (1, 0, 2)), stock(x), atol=1e-5)
    assert fused.compute_output_shape((7, 3, 2)) == (7, 3, 5)


def test_new_layer_starts_like_keras():
    keras.utils.set_random_seed(3)
    stock = keras.layers.LSTM(4)
    stock.build((None, 5, 2))
    keras.utils.set_random_seed(3)
    fused = FusedLSTM(4)
    fused.build((None, 5, 2))
    for one, other in zip(fused.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("options", [{}, {"return_sequences": False}, {"time_major": True}])
def test_keras_file_round_trip_in_safe_mode(tmp_path, options):
    inputs = keras.Input((6, 3))
    regularizer = keras.regularizers.L2(0.1)
    model = keras.Model(inputs, FusedLSTM(4, kernel_regularizer=regularizer, name="lstm", **options)(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x = np.random.default_rng(0).normal(size=(6, 6, 3)).astype("float32")
    np.testing.assert_array_equal(loaded(x), model(x))
    assert loaded.get_layer("lstm").get_config() == model.get_layer("lstm").get_config()
    assert loaded.get_layer("lstm").cell.kernel_regularizer is not None


def test_outputs_and_gradients_after_reloading(tmp_path):
    stock, fused, x = pair(3, 7, 2, 5)
    inputs = keras.Input((7, 2))
    keras.Model(inputs, fused(inputs)).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True).layers[-1]
    assert_equal(outputs_and_gradients(loaded, x), outputs_and_gradients(stock, x))


def test_lengths_may_be_unknown():
    fused = FusedLSTM(3)
    model = keras.Model(inputs := keras.Input((None, 2)), fused(inputs))
    assert model.output_shape == (None, None, 3)
    assert model.predict(np.zeros((4, 9, 2)), verbose=0).shape == (4, 9, 3)


def test_float64_falls_back_to_keras():
    fused = FusedLSTM(3, dtype="float64")
    assert fused(tf.ones((2, 4, 2), tf.float64)).dtype == tf.float64


@pytest.mark.parametrize("option", ["go_backwards", "recurrent_dropout", "activation", "stateful"])
def test_options_that_the_kernel_lacks_are_refused(option):
    with pytest.raises(ValueError, match=f"does not have {option};"):
        FusedLSTM(3, **{option: True})


def test_masks_are_refused():
    with pytest.raises(ValueError, match="for a mask or a state"):
        FusedLSTM(3)(tf.ones((2, 4, 2)), mask=tf.ones((2, 4), tf.bool))
