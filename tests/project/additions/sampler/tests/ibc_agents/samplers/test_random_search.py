import numpy as np
import tensorflow as tf

from ibc_agents.core import protocols
from ibc_agents.samplers import random_search


def test_energies_are_lower_and_those_of_the_actions():
    def energy_fn(actions):
        return tf.reduce_sum(tf.square(actions), axis=-1)

    bounds = protocols.Bounds(tf.constant([-1.0, -1.0]), tf.constant([1.0, 1.0]))
    initial = tf.random.stateless_uniform([3, 16, 2], seed=[0, 1], minval=-1.0, maxval=1.0)
    result = random_search.RandomSearch()(energy_fn, initial, bounds, tf.constant([1, 2]))
    np.testing.assert_allclose(result.energies, energy_fn(result.actions), rtol=1e-6)
    assert np.all(result.energies <= energy_fn(initial))
    assert np.any(result.energies < energy_fn(initial))
