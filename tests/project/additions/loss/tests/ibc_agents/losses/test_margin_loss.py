import numpy as np
import tensorflow as tf

from ibc_agents.losses import margin_loss


def test_agrees_with_numpy():
    rng = np.random.default_rng(0)
    demonstration, others = rng.normal(size=[5]), rng.normal(size=[5, 7])
    oracle = np.maximum(0.5 - (others - demonstration[:, None]), 0.0).mean(axis=1)
    loss = margin_loss.MarginLoss(margin=0.5)
    found = loss(tf.constant(demonstration, tf.float32), tf.constant(others, tf.float32))
    np.testing.assert_allclose(found, oracle, rtol=1e-5)
