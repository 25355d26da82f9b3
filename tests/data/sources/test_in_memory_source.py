"""InMemorySource: the contracts "Source" and "data order is a function of seed and step"."""

import itertools

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

import data
from data.reading import demonstrations

LENGTHS = [5, 1, 4, 7]


@pytest.fixture(scope="module")
def loaded(make_spec, make_episode):
    source = data.InMemorySource()
    source.load([make_episode(n, i) for i, n in enumerate(LENGTHS)], make_spec())
    return source


def _ids(source, steps, length=2, batch_size=4, seed=0, start_step=0):
    """Counters [steps, B, T] of the windows, which identify episode and frame."""
    dataset = source.dataset(length, batch_size, seed, start_step)
    taken = itertools.islice(dataset.as_numpy_iterator(), steps)
    return np.stack([batch.observation["counter"] for batch, _ in taken])


def _expected_windows(length):
    return sorted(
        [1000 * episode + max(0, end - back) for back in reversed(range(length))]
        for episode, n in enumerate(LENGTHS)
        for end in range(n - 1 if n > 1 else n)
    )


@hypothesis.settings(max_examples=10, deadline=None)
@hypothesis.given(
    length=st.integers(1, 9), batch_size=st.integers(1, 40), seed=st.integers(0, 2**31 - 1)
)
def test_each_epoch_contains_every_window_once(loaded, length, batch_size, seed):
    num_windows = len(_expected_windows(1))
    assert loaded.num_windows == num_windows
    epochs = 3
    steps = -(-epochs * num_windows // batch_size)
    stream = _ids(loaded, steps, length, batch_size, seed).reshape(-1, length)
    for epoch in range(epochs):
        windows = stream[epoch * num_windows : (epoch + 1) * num_windows]
        assert sorted(windows.tolist()) == _expected_windows(length)


@hypothesis.settings(max_examples=10, deadline=None)
@hypothesis.given(start=st.integers(0, 60), batch_size=st.integers(1, 40))
def test_contract_source_in_memory_resumes_exactly(loaded, start, batch_size):
    straight = _ids(loaded, start + 3, batch_size=batch_size)[start:]
    np.testing.assert_array_equal(
        _ids(loaded, 3, batch_size=batch_size, start_step=start), straight
    )


def test_starts_at_a_late_step(loaded):
    assert _ids(loaded, 2, start_step=10**12).shape == (2, 4, 2)


def test_seeds_and_epochs_have_different_orders(loaded):
    num_windows = loaded.num_windows
    epochs = _ids(loaded, 50, batch_size=num_windows)[..., -1]
    assert len({tuple(epoch) for epoch in epochs}) == 50
    others = _ids(loaded, 50, batch_size=num_windows, seed=1)[..., -1]
    assert not {tuple(epoch) for epoch in epochs} & {tuple(epoch) for epoch in others}


def test_the_order_is_uniform(loaded):
    epochs = _ids(loaded, 3000, batch_size=loaded.num_windows)[..., -1]
    for place in (0, loaded.num_windows - 1):
        _, counts = np.unique(epochs[:, place], return_counts=True)
        expected = 3000 / loaded.num_windows
        chi_square = ((counts - expected) ** 2 / expected).sum()
        # 13 degrees of freedom: above 45 once in 50,000 seeds.
        assert len(counts) == loaded.num_windows and chi_square < 45


def test_batches_are_trajectories_of_the_spec(loaded, make_spec, make_episode):
    batch, info = next(iter(loaded.dataset(3, 4, seed=0)))
    assert info == ()
    for leaf, spec in zip(tf.nest.flatten(batch), tf.nest.flatten(make_spec())):
        assert (leaf.shape, leaf.dtype) == ([4, 3, *spec.shape], spec.dtype)
    element = loaded.dataset(3, 4, seed=0).element_spec[0]
    assert element.action.shape[1:] == [3, 2]
    frames = [make_episode(n, i).frames for i, n in enumerate(LENGTHS)]
    for row, column in np.ndindex(4, 3):
        episode, frame = divmod(int(batch.observation["counter"][row, column]), 1000)
        np.testing.assert_array_equal(batch.action[row, column], frames[episode].action[frame])
        position = frames[episode].observation["position"][frame]
        np.testing.assert_array_equal(batch.observation["position"][row, column], position)


@pytest.mark.parametrize("in_memory", [True, False])
def test_windows_of_demonstrations_equal_those_of_their_episodes(
    monkeypatch, write_dataset, make_spec, make_episode, in_memory
):
    """The training split shares its frames with the validation split if they are in memory."""
    if not in_memory:
        monkeypatch.setattr(demonstrations, "MEMORY_LIMIT_BYTES", 1000)
    folder = write_dataset([make_episode(n, i) for i, n in enumerate(LENGTHS * 3)], make_spec())
    train = data.Demonstrations.open(folder, 0.3).train
    assert 1 < len(train) < 12 and (train.store is not None) == in_memory
    by_list, shared = data.InMemorySource(), data.InMemorySource()
    by_list.load(list(train), make_spec())
    shared.load(train, make_spec())
    assert shared.num_windows == by_list.num_windows == train.num_windows
    np.testing.assert_array_equal(_ids(shared, 9), _ids(by_list, 9))


def test_the_autotuner_is_disabled(loaded):
    """With it, deleting an iterator took up to a minute at the end of each run."""
    assert loaded.dataset(2, 4, seed=0).options().autotune.enabled is False


def test_reports_misuse(make_spec, make_episode):
    source = data.InMemorySource()
    with pytest.raises(data.DataError, match="nothing is loaded"):
        source.dataset(2, 4, 0)
    with pytest.raises(data.DataError, match="no demonstration"):
        source.load([], make_spec())
    source.load([make_episode(3)], make_spec())
    with pytest.raises(data.DataError, match="window length is 0 frames"):
        source.dataset(0, 4, 0)
    with pytest.raises(data.DataError, match="batch size is 0"):
        source.dataset(2, 0, 0)
    source.close()
    with pytest.raises(data.DataError, match="nothing is loaded"):
        source.dataset(2, 4, 0)
