"""The uniform proposal."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from ibc_agents import proposals
from tests.ibc_agents import helpers

SEED = tf.constant([3, 4], tf.int32)
CODE = tf.zeros([2, 5])


@helpers.properties
@hypothesis.given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 4)), min_size=1, max_size=4),
    st.integers(0, 2**31 - 1),
)
def test_contract_proposal_samples_stay_in_bounds(ranges, seed):
    """Each dimension has its own bounds, including zero width, and a finite density."""
    low = np.array([low for low, _ in ranges], np.float32)
    bounds = helpers.make_bounds(low, low + np.array([width for _, width in ranges], np.float32))
    proposal = proposals.Uniform()
    actions = proposal.sample(CODE, 50, bounds, tf.constant([seed, 0], tf.int32))
    assert actions.shape == (2, 50, len(ranges)) and actions.dtype == tf.float32
    assert (actions >= bounds.low).numpy().all() and (actions <= bounds.high).numpy().all()
    assert np.isfinite(proposal.log_prob(CODE, actions, bounds, SEED)).all()


def test_moments():
    """Moments of 20,000 draws per dimension are within five standard errors."""
    bounds = helpers.make_bounds([-1.0, 0.0, 2.0], [1.0, 6.0, 2.0])
    actions = proposals.Uniform().sample(CODE, 10_000, bounds, SEED).numpy().reshape(-1, 3)
    width = np.array([2.0, 6.0, 0.0])
    error = 5 * width / np.sqrt(12 * 20_000)
    assert (np.abs(actions.mean(0) - [0.0, 3.0, 2.0]) <= error).all()
    np.testing.assert_allclose(actions.var(0), width**2 / 12, rtol=0.03)


@pytest.mark.parametrize("seed", [SEED, tf.constant([[1, 2], [3, 4]])], ids=["batch", "rows"])
def test_contract_proposal_equal_seeds_give_equal_samples(seed):
    def sample(seed):
        return proposals.Uniform().sample(CODE, 20, helpers.UNIT_BOUNDS, seed).numpy()

    np.testing.assert_array_equal(sample(seed), sample(seed))
    assert not np.intersect1d(sample(seed), sample(seed + 1)).size
    assert not np.intersect1d(*sample(seed)).size


def test_contract_proposal_log_prob_is_the_closed_form():
    """−log(volume) inside, −inf outside; constant dimensions have no effect."""
    bounds = helpers.make_bounds([-1.0, 0.0, 2.0], [1.0, 6.0, 2.0])
    actions = tf.constant([[[0.0, 1.0, 2.0], [-1.0, 6.0, 2.0]], [[0.0, 6.1, 2.0], [0.0, 1.0, 2.1]]])
    log_prob = proposals.Uniform().log_prob(CODE, actions, bounds, SEED)
    np.testing.assert_allclose(log_prob[0], [-np.log(12.0)] * 2, rtol=1e-6)
    np.testing.assert_array_equal(log_prob[1], [-np.inf] * 2)
