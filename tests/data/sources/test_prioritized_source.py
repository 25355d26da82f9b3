"""PrioritizedSource samples windows with a large loss more often, and the others still."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import data
from ibc_agents.core import errors

LENGTHS = [5, 1, 4, 7]


@pytest.fixture
def make_source(make_spec, make_episode):
    def make(**options):
        source = data.PrioritizedSource(**options)
        source.load([make_episode(n, i) for i, n in enumerate(LENGTHS)], make_spec())
        return source

    return make


def counts(source, dataset, steps):
    """Counts each window in a number of batches."""
    chosen = [info for _, info in itertools.islice(dataset.as_numpy_iterator(), steps)]
    return np.bincount(np.concatenate(chosen), minlength=source.num_windows)


def test_info_contains_the_window_numbers(make_source):
    source, plain = make_source(), data.InMemorySource
    batch, chosen = next(iter(source.dataset(2, 6, seed=0)))
    assert batch.observation["counter"].shape[:2] == (6, 2)
    assert chosen.shape == (6,)
    assert (0 <= chosen.numpy()).all() and (chosen.numpy() < source.num_windows).all()
    again, _ = next(iter(source.dataset(2, 6, seed=0)))
    np.testing.assert_array_equal(batch.observation["counter"], again.observation["counter"])
    assert issubclass(data.PrioritizedSource, plain)


def test_samples_uniformly_at_first(make_source):
    source = make_source()
    found = counts(source, source.dataset(2, 100, seed=0), 100)
    expected = 10_000 / source.num_windows
    assert np.abs(found - expected).max() < 5 * np.sqrt(expected)


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e4])
@pytest.mark.parametrize("offset", [0.0, -10.0])
def test_samples_windows_with_a_large_loss_more_often(make_source, scale, offset):
    """Neither the scale nor the sign of the loss matters."""
    source = make_source(hard_share=0.5)
    dataset = source.dataset(2, 100, seed=0)
    numbers = np.arange(source.num_windows)
    losses = np.where(numbers == 3, 2.0, np.where(numbers == 5, 1.0, 0.0)) * scale + offset * scale
    next(iter(dataset))

    @tf.function
    def tell():
        source.feedback(tf.constant(numbers), tf.constant(losses, tf.float32))

    tell()
    shares = counts(source, dataset_after(source), 200) / 20_000
    uniform = 0.5 / source.num_windows
    np.testing.assert_allclose(shares[3], uniform + 0.5 * 2 / 3, atol=0.02)
    np.testing.assert_allclose(shares[5], uniform + 0.5 * 1 / 3, atol=0.02)
    others = np.delete(shares, [3, 5])
    np.testing.assert_allclose(others, uniform, atol=0.01)


def dataset_after(source):
    """Draws with the current priorities; a new dataset would reset them."""
    return tf.data.Dataset.range(10**6).map(
        lambda step: (
            (),
            tf.numpy_function(
                lambda s: source._draw(np.random.default_rng([1, s]), 100), [step], tf.int64
            ),
        )
    )


def test_the_priority_of_an_outlier_is_limited(make_source):
    source = make_source()
    source.dataset(2, 4, seed=0)
    source._prioritize(np.arange(14), np.array([1e6] + [1.0] * 6 + [0.0] * 7))
    assert source._priorities[0] == pytest.approx(10 * (1e6 + 6) / 14)
    assert np.isfinite(source._priorities).all()


def test_losses_that_are_not_finite_are_ignored(make_source):
    source = make_source()
    source.dataset(2, 4, seed=0)
    source._prioritize(np.array([1, 2, 3]), np.array([0.0, np.nan, 2.0]))
    np.testing.assert_array_equal(source._priorities[1:4], [0.0, 0.0, 2.0])
    source._prioritize(np.array([1]), np.array([np.inf]))
    assert source._priorities[1] == 0


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_rejects_a_share_out_of_range(share):
    with pytest.raises(errors.SettingError, match="PrioritizedSource.hard_share must be"):
        data.PrioritizedSource(share)
