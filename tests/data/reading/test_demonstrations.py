"""Opened datasets: splits by content, re-iterable collections, checks against the manifest."""

import os
import shutil

import numpy as np
import pytest

import data
from data.reading import demonstrations, episode_collection


def _hashes(collection):
    return [episode.content_hash for episode in collection]


@pytest.fixture(scope="module")
def many(tmp_path_factory, make_spec, make_episode):
    """The same 120 episodes in two folders, dealt differently."""
    root = tmp_path_factory.mktemp("many")
    numbers = list(range(120))
    for name, num_shards in (("one", 1), ("seven", 7)):
        with data.EpisodeWriter(root / name, make_spec(), num_shards=num_shards) as writer:
            for number in numbers:
                writer.write(make_episode(2 + number % 5, number))
        numbers.reverse()
    return root


def test_contract_splits_are_whole_episodes_by_their_hash(many):
    opened = data.Demonstrations.open(many / "one", validation_fraction=0.3)
    train, validation = _hashes(opened.train), _hashes(opened.validation)
    assert len(train) == len(opened.train) and len(validation) == len(opened.validation)
    assert sorted(train + validation) == sorted(_hashes(data.read_episodes(many / "one")))
    assert all(int(h[:8], 16) / 2**32 < 0.3 for h in validation)
    assert all(int(h[:8], 16) / 2**32 >= 0.3 for h in train)
    # Binomial(120, 0.3): 36 ± 5 standard deviations.
    assert 11 < len(validation) < 61


def test_contract_splits_do_not_change_with_sharding(many):
    one, seven = (data.Demonstrations.open(many / name, 0.2) for name in ("one", "seven"))
    assert set(_hashes(one.train)) == set(_hashes(seven.train))
    assert set(_hashes(one.validation)) == set(_hashes(seven.validation))
    assert one.dataset_hash == seven.dataset_hash
    assert one.train.dataset_hash == seven.train.dataset_hash != one.dataset_hash


def test_growing_the_fraction_only_moves_episodes_one_way(many):
    small, large = (data.Demonstrations.open(many / "one", f) for f in (0.1, 0.4))
    assert set(_hashes(small.validation)) < set(_hashes(large.validation))


@pytest.mark.parametrize("in_memory", [True, False])
def test_collections_can_be_iterated_again(monkeypatch, many, in_memory):
    if not in_memory:
        monkeypatch.setattr(demonstrations, "MEMORY_LIMIT_BYTES", 1000)
    opened = data.Demonstrations.open(many / "one", 0.2)
    assert (opened.train.store is not None) == in_memory
    first, second = _hashes(opened.train), _hashes(opened.train)
    assert first == second and len(first) == len(opened.train)
    assert not set(first) & set(_hashes(opened.validation))
    assert opened.train.num_frames == sum(e.num_frames for e in opened.train)
    assert opened.train.num_windows == sum(e.executed.sum() for e in opened.train)
    assert opened.num_frames == opened.train.num_frames + opened.validation.num_frames


def test_contract_memory_holds_frames_once_and_shards_are_read_once(monkeypatch, many):
    """Whatever it iterates over afterwards; and both splits are of the same frames."""
    opened = data.Demonstrations.open(many / "one", 0.2)
    monkeypatch.setattr(
        episode_collection.shard_reader, "read_episodes", lambda _: pytest.fail("read")
    )
    for part in (opened.train, opened.validation):
        assert len(list(part)) == len(part)
        assert part.store.frames is opened.train.store.frames


@pytest.mark.parametrize("fraction", [1e-9, 0.999999])
def test_neither_side_is_empty(write_dataset, make_spec, make_episode, fraction):
    folder = write_dataset([make_episode(3, n) for n in range(4)], make_spec())
    opened = data.Demonstrations.open(folder, fraction)
    small = opened.validation if fraction < 0.5 else opened.train
    extreme = min if fraction < 0.5 else max
    assert _hashes(small) == [extreme(_hashes(data.read_episodes(folder)))]


def test_fraction_zero_and_single_episodes_hold_nothing_out(write_dataset, make_spec, make_episode):
    folder = write_dataset([make_episode(3, n) for n in range(4)], make_spec())
    assert len(data.Demonstrations.open(folder, 0.0).validation) == 0
    single = write_dataset([make_episode(3)], make_spec(), name="single")
    opened = data.Demonstrations.open(single, 0.9)
    assert (len(opened.train), len(opened.validation)) == (1, 0)
    assert list(opened.validation) == []


def test_equal_episodes_stay_on_one_side(write_dataset, make_spec, make_episode):
    twice = [make_episode(3, n % 2) for n in range(6)]
    opened = data.Demonstrations.open(write_dataset(twice, make_spec()), 0.5)
    assert (len(opened.train), len(opened.validation)) == (3, 3)
    copies = write_dataset([make_episode(3)] * 3, make_spec(), name="copies")
    assert len(data.Demonstrations.open(copies, 0.5).train) == 3


def test_name_spec_and_manifest(write_dataset, make_spec, make_episode):
    folder = write_dataset([make_episode(3)], make_spec(), extra={"seed": 1})
    opened = data.Demonstrations.open(folder)
    assert opened.name == "dataset"
    assert opened.spec == make_spec()
    assert opened.manifest.extra == {"seed": 1}
    shard = data.Demonstrations.open(data.resolve_shards(folder)[0])
    assert (shard.name, shard.manifest) == ("shard-00000", None)
    assert data.Demonstrations.open(os.fspath(folder / "*.tfrecord")).num_frames == 3


def test_a_changed_dataset_is_refused(write_dataset, make_spec, make_episode):
    folder = write_dataset([make_episode(3)], make_spec())
    other = write_dataset([make_episode(3, 1)], make_spec(), name="other")
    shutil.copy(other / "shard-00000.tfrecord", folder)
    with pytest.raises(data.DataError, match="dataset: its content has hash .* changed or damaged"):
        data.Demonstrations.open(folder)


def test_missing_and_added_shards_are_named(write_dataset, make_spec, make_episode):
    folder = write_dataset([make_episode(3, n) for n in range(2)], make_spec(), num_shards=2)
    shutil.copy(folder / "shard-00001.tfrecord", folder / "x.tfrecord")
    with pytest.raises(data.DataError, match="dataset: the shard x.tfrecord is not in manifest"):
        data.Demonstrations.open(folder)
    os.remove(folder / "x.tfrecord")
    os.remove(folder / "shard-00001.tfrecord")
    with pytest.raises(data.DataError, match="the shard shard-00001.tfrecord is missing"):
        data.Demonstrations.open(folder)


@pytest.mark.parametrize("fraction", [-0.1, 1.0, np.nan])
def test_the_fraction_is_checked(tmp_path, fraction):
    with pytest.raises(data.DataError, match="validation_fraction is"):
        data.Demonstrations.open(tmp_path, fraction)


def _with_returns(make_episode, returns):
    """Episodes of these returns; the frame that was never executed has a reward of its own."""
    made = [make_episode(4, number) for number in range(len(returns))]
    for episode, wanted in zip(made, returns):
        episode.frames.reward[:] = [wanted, 0.0, 0.0, 1e6]
    return made


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize(
    ("fraction", "kept"),
    [(1.0, [1, 5, 3, 9, 7]), (0.5, [5, 9, 7]), (0.4, [9, 7]), (1e-9, [9]), (0.41, [5, 9, 7])],
)
def test_the_episodes_of_the_highest_returns_are_kept(
    monkeypatch, write_dataset, make_spec, make_episode, fraction, kept, in_memory
):
    if not in_memory:
        monkeypatch.setattr(demonstrations, "MEMORY_LIMIT_BYTES", 100)
    folder = write_dataset(_with_returns(make_episode, [1, 5, 3, 9, 7]), make_spec())
    opened = data.Demonstrations.open(folder, 0.0, fraction)
    assert [episode.total_reward for episode in opened.train] == kept
    assert opened.num_frames == 4 * len(kept) == opened.train.num_frames
    share = f" with top_return_fraction {fraction:g}" if fraction < 1.0 else ""
    assert opened.name == "dataset" + share
    assert (opened.dataset_hash == opened.manifest.dataset_hash) == (fraction == 1.0)
    source = data.InMemorySource()
    source.load(opened.train, opened.spec)
    batch, _ = next(iter(source.dataset(2, 3 * len(kept), seed=0)))
    assert set(batch.reward.numpy()[:, 0]) == {*kept, 0.0}
    split = data.Demonstrations.open(folder, 0.3, fraction)
    assert sorted(_hashes(split.train) + _hashes(split.validation)) == sorted(_hashes(opened.train))


def test_of_equal_returns_the_same_episodes_are_kept_however_they_are_sharded(
    write_dataset, make_spec, make_episode
):
    made = _with_returns(make_episode, [1, 2, 2, 2, 3])
    folders = (
        write_dataset(made, make_spec(), name="one"),
        write_dataset(made[::-1], make_spec(), name="two", num_shards=2),
    )
    kept = [set(_hashes(data.Demonstrations.open(path, 0.0, 0.5).train)) for path in folders]
    assert kept[0] == kept[1] and made[4].content_hash in kept[0] and len(kept[0]) == 3


@pytest.mark.parametrize("fraction", [0.0, -0.5, 1.01, np.nan])
def test_the_share_of_the_best_is_checked(tmp_path, fraction):
    with pytest.raises(data.DataError, match="top_return_fraction is .* must be in"):
        data.Demonstrations.open(tmp_path, 0.0, fraction)


@pytest.mark.parametrize(
    ("returns", "message"),
    [([3, 3], "all 2 episodes have the return 3"), ([3, np.inf], "NaN or infinite")],
)
def test_returns_that_tell_nothing_are_refused(
    write_dataset, make_spec, make_episode, returns, message
):
    folder = write_dataset(_with_returns(make_episode, returns), make_spec())
    assert len(data.Demonstrations.open(folder, 0.0).train) == 2
    with pytest.raises(data.DataError, match=f"dataset: .*{message}.*top_return_fraction to 1"):
        data.Demonstrations.open(folder, 0.0, 0.5)
