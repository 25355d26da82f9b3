"""A separate search of each basin."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import samplers
from ibc_agents.core import protocols
from tests.ibc_agents import helpers

SEED = tf.constant([5, 6], tf.int32)
CENTERS = tf.constant([[0.5, 0.5], [-0.5, 0.2], [-0.6, -0.7]])
HEIGHTS = tf.constant([0.0, 3.0, 4.0])
CHAIN = samplers.Langevin(40, samplers.Polynomial(0.3, 0.001), samplers.NormalizedUpdate())


def squares(actions: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.square(actions[:, :, None] - CENTERS), axis=-1)


def own_basin(actions: tf.Tensor) -> tf.Tensor:
    own = tf.one_hot(tf.range(tf.shape(actions)[1]) % 3, 3)
    return tf.reduce_sum(squares(actions) * own, axis=-1)


# The minimum of three parabolas; the first one is the lowest.
BASINS = protocols.EnergyFunction(
    lambda actions: tf.reduce_min(100 * squares(actions) + HEIGHTS, axis=-1),
    protocols.EnergyFunction(own_basin),
)


def beside_the_third(num_samples: int) -> tf.Tensor:
    return tf.tile((CENTERS[2] + 0.05)[None, None], [1, num_samples, 1])


def test_contract_basins_a_sample_for_each_finds_what_descents_on_the_whole_do_not():
    start = beside_the_third(6)
    whole = CHAIN(BASINS, start, helpers.UNIT_BOUNDS, SEED)
    np.testing.assert_allclose(whole.energies, np.full([1, 6], 4.0), atol=0.1)
    each = samplers.EachBasin(CHAIN)(BASINS, start, helpers.UNIT_BOUNDS, SEED)
    np.testing.assert_allclose(each.actions[0], np.tile(CENTERS, [2, 1]), atol=0.01)
    np.testing.assert_allclose(each.energies[0], np.tile(HEIGHTS, 2), atol=0.1)


def test_a_trace_equals_that_of_the_inner_sampler():
    result = samplers.EachBasin(CHAIN)(
        BASINS, beside_the_third(3), helpers.UNIT_BOUNDS, SEED, trace=True
    )
    assert result.trace.shape == (41, 1, 3, 2)
    np.testing.assert_array_equal(result.trace[-1], result.actions)


def test_contract_basins_an_energy_without_is_rejected():
    with pytest.raises(ValueError, match="SoftMinimum"):
        samplers.EachBasin(CHAIN)(
            helpers.quadratic(0.0), beside_the_third(3), helpers.UNIT_BOUNDS, SEED
        )
