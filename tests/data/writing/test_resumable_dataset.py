"""ResumableDataset: what it keeps, compares and publishes."""

import os

import numpy as np
import pytest

import data
from data.shards import shard_paths, shard_reader, shard_summary, shard_writer
from data.writing import resumable_dataset

SETTINGS = {"environment": "toy", "seed": 3}


@pytest.fixture
def write_part(make_spec, make_episode):
    """Writes shard `number` of one episode to a folder, and summarizes it."""

    def write(folder, number):
        spec = make_spec()
        path = folder / shard_paths.shard_file_name(number)
        with shard_writer.ShardWriter(path, spec, "raw", "toy") as writer:
            writer.write(number, make_episode(3 + number, number))
        return shard_summary.summarize_shard(path, shard_reader.FrameReader(spec), successes=number)

    return write


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_contract_dataset_folders_shards_in_any_order_and_over_interruptions_give_one_dataset(
    tmp_path, write_part
):
    for folder, sittings in ((tmp_path / "a", [[0, 1, 2]]), (tmp_path / "b", [[2], [], [1, 0]])):
        for numbers in sittings:
            assert not folder.exists()
            with resumable_dataset.ResumableDataset(folder, SETTINGS) as parts:
                for number in numbers:
                    parts.add(write_part(parts.work, number))
                if len(parts.finished) == 3:
                    found = [
                        parts.finished[shard_paths.shard_file_name(number)] for number in range(3)
                    ]
                    assert [shard.extra for shard in found] == [{"successes": n} for n in range(3)]
                    parts.publish({"environment": "toy"})
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    found = data.read_manifest(tmp_path / "b")
    assert [entry.frames for entry in found.shards] == [3, 4, 5]
    assert found.extra == {"environment": "toy"}
    assert len(data.Demonstrations.open(tmp_path / "b", 0.0).train) == 3


def test_unfinished_shards_are_removed(tmp_path, write_part):
    with resumable_dataset.ResumableDataset(tmp_path / "new", SETTINGS) as parts:
        parts.add(write_part(parts.work, 0))
        write_part(parts.work, 1)
        hidden = parts.work.parent
    write_part(hidden, 7)  # moved, but its process was killed before it recorded the shard
    with resumable_dataset.ResumableDataset(tmp_path / "new", SETTINGS) as parts:
        assert list(parts.finished) == ["shard-00000.tfrecord"]
        assert os.listdir(parts.work) == []
        parts.publish({})
    assert sorted(os.listdir(tmp_path / "new")) == [
        "manifest.json", "shard-00000.tfrecord", "shard-00000.tfrecord.spec",
    ]  # fmt: skip


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _make_pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("damage", [_flip, _make_pipe, lambda path: path.write_bytes(b"{}")])
@pytest.mark.parametrize(
    "name",
    [
        "shard-00000.tfrecord",
        "shard-00000.tfrecord.spec",
        ".finished-shard-00000.tfrecord.json",
    ],
)
def test_a_damaged_shard_is_written_again(tmp_path, write_part, name, damage):
    for folder in (tmp_path / "a", tmp_path / "b"):
        with resumable_dataset.ResumableDataset(folder, SETTINGS) as parts:
            for number in range(2):
                parts.add(write_part(parts.work, number))
    damage(tmp_path / ".b.partial" / name)
    with resumable_dataset.ResumableDataset(tmp_path / "a", SETTINGS) as parts:
        parts.publish({})
    with resumable_dataset.ResumableDataset(tmp_path / "b", SETTINGS) as parts:
        assert list(parts.finished) == ["shard-00001.tfrecord"]
        parts.add(write_part(parts.work, 0))
        parts.publish({})
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.parametrize("content", ["", "[]", "\x00", "[" * 100_000])
def test_reports_damaged_settings(tmp_path, write_part, content):
    with resumable_dataset.ResumableDataset(tmp_path / "new", SETTINGS) as parts:
        parts.add(write_part(parts.work, 0))
    (tmp_path / ".new.partial" / ".settings.json").write_text(content)
    message = "new: an unfinished dataset exists, and its settings cannot be read. Remove .*partial"
    with pytest.raises(data.DataError, match=message):
        resumable_dataset.ResumableDataset(tmp_path / "new", SETTINGS)


def test_without_a_finished_shard_nothing_remains(tmp_path, write_part):
    with (
        pytest.raises(KeyError),
        resumable_dataset.ResumableDataset(tmp_path / "new", SETTINGS) as parts,
    ):
        write_part(parts.work, 0)
        raise KeyError
    with resumable_dataset.ResumableDataset(tmp_path / "new", SETTINGS | {"seed": 4}):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (SETTINGS | {"seed": 4}, "seed 3, and 4 was requested. Finish it with 3, or remove"),
        ({"seed": 3}, "environment toy, and None was requested"),
    ],
)
def test_rejects_and_keeps_shards_of_other_settings(tmp_path, write_part, settings, message):
    with resumable_dataset.ResumableDataset(tmp_path / "new", SETTINGS) as parts:
        parts.add(write_part(parts.work, 0))
    before = contents(tmp_path / ".new.partial")
    with pytest.raises(data.DataError, match=f"new: an unfinished dataset exists with {message}"):
        resumable_dataset.ResumableDataset(tmp_path / "new", settings)
    assert contents(tmp_path / ".new.partial") == before


def test_contract_dataset_folders_have_one_writer_and_are_not_overwritten(tmp_path, write_part):
    with resumable_dataset.ResumableDataset(tmp_path / "new", SETTINGS) as parts:
        with pytest.raises(data.DataError, match="new: another process is writing it"):
            resumable_dataset.ResumableDataset(tmp_path / "new", SETTINGS)
        parts.add(write_part(parts.work, 0))
        parts.publish({})
    with pytest.raises(data.DataError, match="new: already exists"):
        resumable_dataset.ResumableDataset(tmp_path / "new", SETTINGS)
    assert os.listdir(tmp_path) == ["new"]


def test_contract_dataset_folders_equal_episodes_give_equal_bytes(tmp_path, write_part):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_part(tmp_path / name, 0)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert np.all([len(content) for content in contents(tmp_path / "a").values()])
