"""Nests of actions and flat vectors."""

import hypothesis
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st
from tf_agents.specs import array_spec, tensor_spec

from ibc_agents.core.scaling import action_space
from tests.ibc_agents import helpers

NEST = {
    "arm": (
        tensor_spec.BoundedTensorSpec((2, 2), tf.float32, [[0.0, 1.0], [2.0, 3.0]], 5.0),
        tf.TensorSpec((), tf.float64),
    ),
    "grip": tensor_spec.BoundedTensorSpec((1,), tf.float32, -1.0, [7.0]),
}


@helpers.properties
@hypothesis.given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(1, 3), st.just(6)),
        elements=st.floats(-1e6, 1e6, width=32),
    ),
    st.integers(0, 2),
)
def test_contract_actions_round_trip_of_a_nest(flat, dropped):
    flat = flat[(0,) * dropped]
    space = action_space.ActionSpace(NEST)
    packed = space.pack(tf.constant(flat))
    outer = flat.shape[:-1]
    shapes = tf.nest.map_structure(lambda leaf: tuple(leaf.shape), packed)
    assert shapes == {"arm": ((*outer, 2, 2), outer), "grip": (*outer, 1)}
    assert {leaf.dtype for leaf in tf.nest.flatten(packed)} == {tf.float32}
    np.testing.assert_array_equal(space.flatten(packed), flat)
    assert space.flatten(packed).dtype == tf.float32


def test_order_and_bounds_are_those_of_the_nest():
    space = action_space.ActionSpace(NEST)
    assert space.size == 6
    np.testing.assert_array_equal(space.low, [0, 1, 2, 3, -np.inf, -1])
    np.testing.assert_array_equal(space.high, [5, 5, 5, 5, np.inf, 7])
    arm, joint = np.arange(4).reshape(2, 2), np.float64(4)
    flat = space.flatten({"grip": np.array([5.0]), "arm": (arm, joint)})
    np.testing.assert_array_equal(flat, np.arange(6))


def test_array_specs_are_accepted():
    spec = array_spec.BoundedArraySpec((2,), np.float32, [-1.0, 0.0], [1.0, 3.0])
    space = action_space.ActionSpace(spec)
    np.testing.assert_array_equal(space.low, [-1, 0])
    np.testing.assert_array_equal(space.pack(tf.zeros([3, 2])), np.zeros([3, 2]))


@pytest.mark.parametrize(
    "leaf",
    [
        tensor_spec.BoundedTensorSpec((), tf.int32, 0, 3, "discrete"),
        tf.TensorSpec((2,), tf.bool, "discrete"),
        tf.TensorSpec((None,), tf.float32, "discrete"),
    ],
)
def test_contract_actions_that_are_not_float_vectors_are_rejected(leaf):
    with pytest.raises(ValueError, match="Actions must be float vectors of known shape.*discrete"):
        action_space.ActionSpace({"fine": tf.TensorSpec((2,)), "not": leaf})


def test_an_empty_action_is_rejected():
    with pytest.raises(ValueError, match="has no elements"):
        action_space.ActionSpace(tf.TensorSpec((0,)))


def test_a_different_structure_raises():
    with pytest.raises((ValueError, TypeError), match="structure"):
        action_space.ActionSpace(NEST).flatten({"grip": tf.zeros([1])})
