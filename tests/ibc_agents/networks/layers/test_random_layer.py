"""Layers with random draws in training, whose state is checkpointed."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import networks
from ibc_agents.networks.layers import dropout

INPUTS = tf.constant(np.random.default_rng(0).normal(1.0, 0.1, [16, 6, 7, 4]), tf.float32)
KINDS = {
    "dropout": lambda: dropout.Dropout(0.5),
    "noise": lambda: networks.Noise(0.1, 0.5),
    "random_shift": lambda: networks.RandomShift(2),
}


@pytest.fixture(params=KINDS)
def make(request):
    def made(seed=0):
        tf.keras.utils.set_random_seed(seed)
        layer = KINDS[request.param]()
        layer.build([None, *INPUTS.shape[1:]])
        return layer

    return made


@pytest.mark.parametrize("training", [False, None])
def test_is_the_identity_without_training(make, training):
    layer = make()
    before = layer.variables[0].numpy()
    np.testing.assert_array_equal(layer(INPUTS, training=training), INPUTS)
    np.testing.assert_array_equal(layer.variables[0], before)


def test_equal_seeds_give_equal_draws_that_differ_between_calls(make):
    draws = [[layer(INPUTS, training=True).numpy() for _ in range(3)] for layer in (make(), make())]
    np.testing.assert_array_equal(*draws)
    other = make(seed=1)(INPUTS, training=True).numpy()
    assert len(np.unique(np.stack([*draws[0], other]).reshape(4, -1), axis=0)) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_two_layers_of_one_network_draw_differently(kind):
    tf.keras.utils.set_random_seed(0)
    first, second = KINDS[kind](), KINDS[kind]()
    assert (first(INPUTS, training=True) != second(INPUTS, training=True)).numpy().any()


def test_compiled_calls_keep_the_static_shape_and_draw_new_values(make):
    layer, expected = make(), make()
    compiled = tf.function(lambda inputs: layer(inputs, training=True), autograph=False)
    signature = tf.TensorSpec([None, *INPUTS.shape[1:]])
    assert compiled.get_concrete_function(signature).output_shapes.as_list()[1:] == [6, 7, 4]
    for _ in range(3):
        np.testing.assert_array_equal(compiled(INPUTS), expected(INPUTS, training=True))


def test_a_checkpoint_determines_the_next_draws(make, tmp_path):
    layer = make()
    layer(INPUTS, training=True)
    path = tf.train.Checkpoint(layer=layer).save(str(tmp_path / "checkpoint"))
    other = make(seed=1)
    status = tf.train.Checkpoint(layer=other).restore(path)
    status.assert_existing_objects_matched().assert_consumed()
    for _ in range(2):
        np.testing.assert_array_equal(layer(INPUTS, training=True), other(INPUTS, training=True))


def test_the_state_is_not_trained(make):
    assert not make().trainable_variables and len(make().non_trainable_variables) == 1
