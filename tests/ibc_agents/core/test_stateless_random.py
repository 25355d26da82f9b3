"""Stateless random numbers."""

import numpy as np
import pytest
import tensorflow as tf

from ibc_agents.core import stateless_random

ROWS = tf.constant([[1, 2], [3, 4], [1, 2], [-7, 0]], tf.int32)
DRAWS = pytest.mark.parametrize("draw", [stateless_random.uniform, stateless_random.normal])


@DRAWS
@pytest.mark.parametrize("seed", [ROWS[0], ROWS], ids=["batch", "rows"])
def test_equal_seeds_give_equal_numbers(draw, seed):
    first, again = draw(seed, 4, [5, 2]), draw(tf.identity(seed), 4, [5, 2])
    np.testing.assert_array_equal(first, again)
    assert first.shape == (4, 5, 2) and first.dtype == tf.float32
    assert not np.array_equal(first, draw(seed + 1, 4, [5, 2]))


@DRAWS
def test_a_row_seed_affects_its_row_only(draw):
    rows = draw(ROWS, 4, [6]).numpy()
    np.testing.assert_array_equal(rows[0], rows[2])
    assert len(np.unique(rows[[0, 1, 3]])) == 18
    for row in range(4):
        np.testing.assert_array_equal(draw(ROWS[row : row + 1], 1, [6])[0], rows[row])


def test_one_seed_draws_different_rows():
    rows = stateless_random.uniform(ROWS[0], 4, [6]).numpy()
    assert len(np.unique(rows)) == 24


@pytest.mark.parametrize(
    "seed", [ROWS[0], tf.range(200)[:, None] + [[5, 7]]], ids=["batch", "rows"]
)
def test_moments(seed):
    """Means and deviations of 200 × 500 draws are within five standard errors."""
    unit = stateless_random.uniform(seed, 200, [500]).numpy()
    assert unit.min() >= 0 and unit.max() < 1
    np.testing.assert_allclose([unit.mean(), unit.std()], [0.5, 12**-0.5], atol=0.006)
    normal = stateless_random.normal(seed, 200, [500]).numpy()
    np.testing.assert_allclose([normal.mean(), normal.std()], [0.0, 1.0], atol=0.02)


def test_fold_in_gives_another_seed_for_every_number():
    folded = {tuple(stateless_random.fold_in(ROWS[0], data).numpy()) for data in range(50)}
    assert len(folded) == 50
    assert tuple(ROWS[0].numpy()) not in folded


def test_fold_in_works_row_by_row():
    rows = stateless_random.fold_in(ROWS, 3)
    assert rows.shape == (4, 2) and rows.dtype == tf.int32
    for row in range(4):
        np.testing.assert_array_equal(rows[row], stateless_random.fold_in(ROWS[row], 3))


def test_as_seed_differs_by_run_and_by_step():
    seeds = [
        stateless_random.as_seed(run, tf.constant(step, tf.int64))
        for run in range(3)
        for step in range(3)
    ]
    assert {seed.dtype for seed in seeds} == {tf.int32}
    assert len({tuple(seed.numpy()) for seed in seeds}) == 9


@DRAWS
@pytest.mark.parametrize("compiled", [False, True])
def test_no_rows(draw, compiled):
    """The number of samples may be a tensor, as in samplers."""

    def draw_none(seed):
        shape = [tf.size(seed) + 3, 2]
        return draw(stateless_random.fold_in(seed, 1), tf.shape(seed)[0], shape)

    if compiled:
        draw_none = tf.function(draw_none, input_signature=[tf.TensorSpec([None, 2], tf.int32)])
    assert draw_none(ROWS[:0]).shape == (0, 3, 2)
    assert draw_none(ROWS).shape == (4, 11, 2)
