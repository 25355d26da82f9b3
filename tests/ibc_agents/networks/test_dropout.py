"""Dropout: what it drops, and that its masks follow from a checkpointed state."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents.networks import dropout


def make(seed=0, rate=0.25):
    tf.keras.utils.set_random_seed(seed)
    layer = dropout.Dropout(rate)
    layer.build([None, 1])
    return layer


def test_drops_its_share_and_scales_up_the_rest():
    outputs = make()(tf.fill([400, 100], 3.0), training=True).numpy()
    np.testing.assert_allclose(np.unique(outputs), [0.0, 4.0], rtol=1e-6)
    # 40,000 draws: five standard deviations.
    assert abs((outputs == 0).mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 40_000)


@pytest.mark.parametrize("training", [False, None])
def test_is_the_identity_without_training(training):
    layer, inputs = make(), tf.random.normal([5, 3])
    before = layer.variables[0].numpy()
    np.testing.assert_array_equal(layer(inputs, training=training), inputs)
    np.testing.assert_array_equal(layer.variables[0], before)


def test_gradients_pass_where_nothing_was_dropped():
    layer, inputs = make(), tf.ones([8, 8])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
    np.testing.assert_allclose(tape.gradient(outputs, inputs), outputs, rtol=1e-6)


def test_equal_seeds_give_equal_masks_and_no_two_calls_the_same():
    inputs = tf.ones([4, 64])
    masks = [[layer(inputs, training=True).numpy() for _ in range(3)] for layer in (make(), make())]
    np.testing.assert_array_equal(*masks)
    other = make(seed=1)(inputs, training=True).numpy()
    assert len(np.unique(np.stack([*masks[0], other]).reshape(4, -1), axis=0)) == 4


def test_two_layers_draw_different_masks():
    tf.keras.utils.set_random_seed(0)
    first, second = dropout.Dropout(0.5), dropout.Dropout(0.5)
    inputs = tf.ones([4, 64])
    assert (first(inputs, training=True) != second(inputs, training=True)).numpy().any()


def test_compiled_calls_draw_anew_each_time():
    layer, inputs = make(), tf.ones([4, 64])
    compiled = tf.function(lambda: layer(inputs, training=True), autograph=False)
    expected = make()
    for _ in range(3):
        np.testing.assert_array_equal(compiled(), expected(inputs, training=True))


def test_a_checkpoint_holds_what_the_next_masks_follow_from(tmp_path):
    layer, inputs = make(), tf.ones([4, 64])
    layer(inputs, training=True)
    path = tf.train.Checkpoint(layer=layer).save(str(tmp_path / "checkpoint"))
    other = make(seed=1)
    status = tf.train.Checkpoint(layer=other).restore(path)
    status.assert_existing_objects_matched().assert_consumed()
    for _ in range(2):
        np.testing.assert_array_equal(layer(inputs, training=True), other(inputs, training=True))


def test_its_state_is_not_trained():
    assert not make().trainable_variables and len(make().non_trainable_variables) == 1


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_out_of_range_raises(rate):
    with pytest.raises(ValueError, match=r"must be in \[0, 1\)"):
        dropout.Dropout(rate)
