"""Import of zarr replay buffers."""

import json
import re

import numpy as np
import pytest
import zarr

import data
from tests.system import helpers

LENGTHS = (4, 2, 5)


def write_buffer(folder, ends=None, **columns):
    """Writes a replay buffer of Diffusion Policy; returns its columns."""
    rng = np.random.default_rng(0)
    total = sum(LENGTHS)
    columns = {
        "action": rng.normal(size=[total, 2]).astype(np.float32),
        "state": rng.normal(size=[total, 5]).astype(np.float32),
        "img": rng.integers(0, 256, [total, 8, 8, 3]).astype(np.float32),
        **columns,
    }
    group = zarr.open_group(str(folder), mode="w")
    for name, column in columns.items():
        group.require_group("data").create_dataset(name, data=column)
    ends = np.cumsum(LENGTHS) if ends is None else ends
    group.require_group("meta").create_dataset("episode_ends", data=np.asarray(ends))
    return columns


def run(folder, out, *flags):
    return helpers.call("data.import_zarr", f"--source={folder}", f"--out={out}", *flags)


def test_episodes_have_the_columns_of_the_buffer(tmp_path):
    columns = write_buffer(tmp_path / "buffer.zarr")
    done = run(tmp_path / "buffer.zarr", tmp_path / "out")
    assert done.returncode == 0, done
    frames = [episode.frames for episode in data.read_episodes(tmp_path / "out")]
    assert [len(each.action) for each in frames] == list(LENGTHS)
    for name in ("state", "img"):
        found = np.concatenate([each.observation[name] for each in frames])
        np.testing.assert_array_equal(found, columns[name])
    np.testing.assert_array_equal(np.concatenate([f.action for f in frames]), columns["action"])
    # No observation follows the last action, so every action is a target.
    assert all(each.step_type[-1] != 2 for each in frames)


def test_images_of_floats_become_bytes(tmp_path):
    fractions = np.random.default_rng(1).uniform(size=[11, 8, 8, 3]).astype(np.float32)
    write_buffer(tmp_path / "buffer.zarr", depth=fractions)
    run(tmp_path / "buffer.zarr", tmp_path / "out")
    observation = next(iter(data.read_episodes(tmp_path / "out"))).frames.observation
    assert observation["img"].dtype == np.uint8
    assert observation["depth"].dtype == np.float32


def test_parts_are_chosen_cut_and_renamed(tmp_path):
    columns = write_buffer(tmp_path / "buffer.zarr")
    keys = "--observation_keys=image=img,agent_pos=state[0:2],state[2:5]"
    assert run(tmp_path / "buffer.zarr", tmp_path / "out", keys).returncode == 0
    observation = next(iter(data.read_episodes(tmp_path / "out"))).frames.observation
    assert sorted(observation) == ["agent_pos", "image", "state"]
    np.testing.assert_array_equal(observation["agent_pos"], columns["state"][:4, :2])
    np.testing.assert_array_equal(observation["state"], columns["state"][:4, 2:])


@pytest.mark.parametrize(
    "keys, message",
    [
        ("position", "the observation has no part 'position'; its parts are: "),
        ("state[3:9]", "'state' has 5 elements, and 'state' asks for \\[3:9\\]"),
        ("state[3:3]", "chooses no element"),
        ("a=b=c", "describes no part; write KEY"),
    ],
)
def test_wrong_parts_are_named(tmp_path, keys, message):
    write_buffer(tmp_path / "buffer.zarr")
    done = run(tmp_path / "buffer.zarr", tmp_path / "out", f"--observation_keys={keys}")
    assert re.search(message, helpers.error_message(done))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "damage, message",
    [
        (dict(ends=[4, 6]), "the last episode ends at 6"),
        (dict(ends=[4, 4, 11]), "meta/episode_ends must increase"),
        (dict(ends=[]), "meta/episode_ends must increase"),
        (dict(state=np.zeros([7, 5], np.float32)), "data/state has shape"),
    ],
)
def test_inconsistent_buffers_are_rejected(tmp_path, damage, message):
    write_buffer(tmp_path / "buffer.zarr", **damage)
    assert message in helpers.error_message(run(tmp_path / "buffer.zarr", tmp_path / "out"))


def test_a_folder_of_another_format_is_named(tmp_path):
    (tmp_path / "other").mkdir()
    message = helpers.error_message(run(tmp_path / "other", tmp_path / "out"))
    assert "cannot be read as a zarr replay buffer" in message


def test_chunks_that_were_never_written_are_an_error(tmp_path):
    write_buffer(tmp_path / "buffer.zarr")
    (tmp_path / "buffer.zarr" / "data" / "state" / "0.0").unlink()
    message = helpers.error_message(run(tmp_path / "buffer.zarr", tmp_path / "out"))
    assert "data/state has the shape [11, 5], but the folder stores only 0 of 1 chunks" in message


def test_pickles_are_not_read(tmp_path):
    write_buffer(tmp_path / "buffer.zarr")
    path = tmp_path / "buffer.zarr" / "data" / "state" / ".zarray"
    path.write_text(json.dumps({**json.loads(path.read_text()), "filters": [{"id": "pickle"}]}))
    message = helpers.error_message(run(tmp_path / "buffer.zarr", tmp_path / "out"))
    assert "data/state is stored as Python pickles, which can run any code" in message
