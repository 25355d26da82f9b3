"""Demonstrations: splits by content, repeated iteration, checks against the manifest."""

import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

import data
from data.reading import demonstrations, episode_collection
from data.shards import encoding, spec_files


def _hashes(collection):
    return [episode.content_hash for episode in collection]


@pytest.fixture(scope="module")
def many(tmp_path_factory, make_spec, make_episode):
    """The same 120 episodes in two folders, distributed differently over shards."""
    root = tmp_path_factory.mktemp("many")
    numbers = list(range(120))
    for name, num_shards in (("one", 1), ("seven", 7)):
        with data.EpisodeWriter(root / name, make_spec(), num_shards=num_shards) as writer:
            for number in numbers:
                writer.write(make_episode(2 + number % 5, number))
        numbers.reverse()
    return root


def test_contract_splits_are_whole_episodes_by_their_hash(many):
    dataset = data.Demonstrations.open(many / "one", validation_fraction=0.3)
    train, validation = _hashes(dataset.train), _hashes(dataset.validation)
    assert len(train) == len(dataset.train) and len(validation) == len(dataset.validation)
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


def test_a_larger_fraction_only_adds_validation_episodes(many):
    small, large = (data.Demonstrations.open(many / "one", f) for f in (0.1, 0.4))
    assert set(_hashes(small.validation)) < set(_hashes(large.validation))


@pytest.mark.parametrize("in_memory", [True, False])
def test_collections_can_be_iterated_again(monkeypatch, many, in_memory):
    if not in_memory:
        monkeypatch.setattr(demonstrations, "MEMORY_LIMIT_BYTES", 1000)
    dataset = data.Demonstrations.open(many / "one", 0.2)
    assert (dataset.train.store is not None) == in_memory
    first, second = _hashes(dataset.train), _hashes(dataset.train)
    assert first == second and len(first) == len(dataset.train)
    assert not set(first) & set(_hashes(dataset.validation))
    assert dataset.train.num_frames == sum(e.num_frames for e in dataset.train)
    assert dataset.train.num_windows == sum(e.executed.sum() for e in dataset.train)
    assert dataset.num_frames == dataset.train.num_frames + dataset.validation.num_frames


def test_contract_memory_holds_frames_once_and_shards_are_read_once(monkeypatch, many):
    """Iterating reads no shard, and both splits share the frames."""
    dataset = data.Demonstrations.open(many / "one", 0.2)
    monkeypatch.setattr(
        episode_collection.shard_reader, "read_episodes", lambda _: pytest.fail("read")
    )
    for part in (dataset.train, dataset.validation):
        assert len(list(part)) == len(part)
        assert part.store.frames is dataset.train.store.frames


@pytest.mark.parametrize("fraction", [1e-9, 0.999999])
def test_neither_split_is_empty(write_dataset, make_spec, make_episode, fraction):
    folder = write_dataset([make_episode(3, n) for n in range(4)], make_spec())
    dataset = data.Demonstrations.open(folder, fraction)
    small = dataset.validation if fraction < 0.5 else dataset.train
    extreme = min if fraction < 0.5 else max
    assert _hashes(small) == [extreme(_hashes(data.read_episodes(folder)))]


def test_without_validation_for_fraction_zero_and_single_episodes(
    write_dataset, make_spec, make_episode
):
    folder = write_dataset([make_episode(3, n) for n in range(4)], make_spec())
    assert len(data.Demonstrations.open(folder, 0.0).validation) == 0
    single = write_dataset([make_episode(3)], make_spec(), name="single")
    dataset = data.Demonstrations.open(single, 0.9)
    assert (len(dataset.train), len(dataset.validation)) == (1, 0)
    assert list(dataset.validation) == []


def test_equal_episodes_stay_in_one_split(write_dataset, make_spec, make_episode):
    twice = [make_episode(3, n % 2) for n in range(6)]
    dataset = data.Demonstrations.open(write_dataset(twice, make_spec()), 0.5)
    assert (len(dataset.train), len(dataset.validation)) == (3, 3)
    copies = write_dataset([make_episode(3)] * 3, make_spec(), name="copies")
    assert len(data.Demonstrations.open(copies, 0.5).train) == 3


def test_name_spec_and_manifest(write_dataset, make_spec, make_episode):
    folder = write_dataset([make_episode(3)], make_spec(), extra={"seed": 1})
    dataset = data.Demonstrations.open(folder)
    assert dataset.name == "dataset"
    assert dataset.spec == make_spec()
    assert dataset.manifest.extra == {"seed": 1}
    shard = data.Demonstrations.open(data.resolve_shards(folder)[0])
    assert (shard.name, shard.manifest) == ("shard-00000", None)
    assert data.Demonstrations.open(os.fspath(folder / "*.tfrecord")).num_frames == 3
    for path in (f"{folder}/", f"{folder.parent}/./{folder.name}", f"{folder.parent}//dataset"):
        opened = data.Demonstrations.open(path)
        assert (opened.name, opened.manifest) == ("dataset", dataset.manifest)


def test_rejects_a_changed_dataset_and_names_the_shard(write_dataset, make_spec, make_episode):
    made = [make_episode(3, n) for n in range(2)]
    folder = write_dataset(made, make_spec(), num_shards=2)
    shutil.copy(folder / "shard-00000.tfrecord", folder / "shard-00001.tfrecord")
    message = "dataset: the shard shard-00001.tfrecord has SHA-256 .* changed or damaged; copy or"
    with pytest.raises(data.DataError, match=message):
        data.Demonstrations.open(folder)


def _replace_in_manifest(folder, change):
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def _claim_frames(content):
    content["shards"][0]["frames"] += 1
    content["num_frames"] += 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            _claim_frames,
            "shard-00000.tfrecord has 1 episodes of 3 frames, manifest.json says 1 of 4",
        ),
        (
            lambda c: c.update(dataset_hash="ab" * 32),
            "has hash .*, manifest.json says abababababab",
        ),
        (lambda c: c["shards"][0].update(sha256="ab" * 32), "manifest.json says abababababab"),
    ],
)
def test_contract_dataset_format_agrees_with_its_manifest(
    write_dataset, make_spec, make_episode, change, message
):
    folder = write_dataset([make_episode(3)], make_spec())
    _replace_in_manifest(folder, change)
    with pytest.raises(data.DataError, match=f"dataset: .*{message}"):
        data.Demonstrations.open(folder)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: os.remove(f / "shard-00000.tfrecord"), "shard-00000.tfrecord is missing"),
        (lambda f: _replace_in_manifest(f, _claim_frames), "manifest.json says 1 of 4"),
        (
            lambda f: _replace_in_manifest(f, lambda c: c.update(dataset_hash="ab" * 32)),
            "manifest.json says abababababab",
        ),
    ],
)
def test_each_folder_of_a_list_agrees_with_its_manifest(
    write_dataset, make_spec, make_episode, damage, message
):
    folders = [
        write_dataset(
            [make_episode(3, 2 * n), make_episode(3, 2 * n + 1)],
            make_spec(),
            name=name,
            num_shards=2,
        )
        for n, name in enumerate("ab")
    ]
    dataset = data.Demonstrations.open(folders, 0.0)
    assert (len(dataset.train), dataset.manifest) == (4, None)
    damage(folders[1])
    with pytest.raises(data.DataError, match=f"{folders[1]}: .*{message}"):
        data.Demonstrations.open(folders, 0.0)


def test_fragments_are_counted_and_not_used(tmp_path, make_spec, make_episode):
    """A driver that was stopped continues its episode in a new shard."""
    writes = {"a": (0, 5), "b": (2, 8), "c": (4, 5)}
    for name, (begin, end) in writes.items():
        episodes = [make_episode(5), make_episode(3, 1)]
        frames = tf.nest.map_structure(
            lambda *x: np.concatenate(x)[begin:end],  # noqa: B023
            *(episode.frames for episode in episodes),
        )
        spec_files.write_spec(tmp_path / f"{name}.tfrecord", make_spec())
        with tf.io.TFRecordWriter(str(tmp_path / f"{name}.tfrecord")) as writer:
            for record in encoding.encode_frames(frames, make_spec(), "raw"):
                writer.write(record)
    dataset = data.Demonstrations.open(tmp_path, 0.0)
    assert [episode.num_frames for episode in dataset.train] == [5, 3]
    expected = {os.fspath(tmp_path / "b.tfrecord"): 3, os.fspath(tmp_path / "c.tfrecord"): 1}
    assert dataset.fragments == expected


def test_names_missing_and_added_shards(write_dataset, make_spec, make_episode):
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
    """Episodes of these returns. The reward of the closing frame does not count."""
    made = [make_episode(4, number) for number in range(len(returns))]
    for episode, wanted in zip(made, returns):
        episode.frames.reward[:] = [wanted, 0.0, 0.0, 1e6]
    return made


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize(
    ("fraction", "kept"),
    [(1.0, [1, 5, 3, 9, 7]), (0.5, [5, 9, 7]), (0.4, [9, 7]), (1e-9, [9]), (0.41, [5, 9, 7])],
)
def test_keeps_the_episodes_of_the_highest_returns(
    monkeypatch, write_dataset, make_spec, make_episode, fraction, kept, in_memory
):
    if not in_memory:
        monkeypatch.setattr(demonstrations, "MEMORY_LIMIT_BYTES", 100)
    folder = write_dataset(_with_returns(make_episode, [1, 5, 3, 9, 7]), make_spec())
    dataset = data.Demonstrations.open(folder, 0.0, fraction)
    assert [episode.total_reward for episode in dataset.train] == kept
    assert dataset.num_frames == 4 * len(kept) == dataset.train.num_frames
    share = f" with top_return_fraction {fraction:g}" if fraction < 1.0 else ""
    assert dataset.name == "dataset" + share
    assert (dataset.dataset_hash == dataset.manifest.dataset_hash) == (fraction == 1.0)
    source = data.InMemorySource()
    source.load(dataset.train, dataset.spec)
    batch, _ = next(iter(source.dataset(2, 3 * len(kept), seed=0)))
    assert set(batch.reward.numpy()[:, 0]) == {*kept, 0.0}
    split = data.Demonstrations.open(folder, 0.3, fraction)
    assert sorted(_hashes(split.train) + _hashes(split.validation)) == sorted(
        _hashes(dataset.train)
    )


def test_the_choice_among_equal_returns_does_not_depend_on_sharding(
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
def test_the_kept_fraction_is_checked(tmp_path, fraction):
    with pytest.raises(data.DataError, match="top_return_fraction is .* must be in"):
        data.Demonstrations.open(tmp_path, 0.0, fraction)


@pytest.mark.parametrize(
    ("returns", "message"),
    [([3, 3], "all 2 episodes have the return 3"), ([3, np.inf], "NaN or infinite")],
)
def test_rejects_returns_that_distinguish_no_episode(
    write_dataset, make_spec, make_episode, returns, message
):
    folder = write_dataset(_with_returns(make_episode, returns), make_spec())
    assert len(data.Demonstrations.open(folder, 0.0).train) == 2
    with pytest.raises(data.DataError, match=f"dataset: .*{message}.*top_return_fraction to 1"):
        data.Demonstrations.open(folder, 0.0, 0.5)
