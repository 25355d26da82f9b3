"""Demonstrations of people, in the folder `IBC_DEMONSTRATIONS`, through the importers."""

import os
import pathlib

import h5py
import numpy as np
import pytest

from tests.data.formats.commands import episodes_of, extra_of, fail, succeed

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(
    os.environ.get("IBC_DEMONSTRATIONS", ROOT.parent / "shared" / "demonstrations")
)

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        not FOLDER.is_dir(), reason=f"{FOLDER} does not exist; set IBC_DEMONSTRATIONS to the files"
    ),
]


@pytest.mark.parametrize(
    ("name", "demonstrations", "rows", "cuts"),
    [
        ("door", 25, 6729, 25),
        ("pen", 25, 5000, 25),
        ("relocate", 25, 9703, 25),
        ("kitchen_complete", 19, 4209, 0),
    ],
)
def test_d4rl_files_become_the_demonstrations(tmp_path, name, demonstrations, rows, cuts):
    source = FOLDER / "d4rl" / f"{name}.hdf5"
    arguments = (f"--source={source}", f"--out={tmp_path / 'new'}", "--join_pieces")
    output = succeed("data.import_d4rl", *arguments)
    assert f"{demonstrations} episodes of {rows} frames" in output
    assert extra_of(tmp_path / "new")["cuts_by_the_time_limit"] == cuts
    frames = episodes_of(tmp_path / "new")
    assert len(frames) == demonstrations
    with h5py.File(source) as file:
        for leaf, column in (("action", "actions"), ("observation", "observations")):
            joined = np.concatenate([getattr(part, leaf) for part in frames])
            np.testing.assert_array_equal(joined, file[column])


def test_a_robomimic_file_of_206_demonstrations(tmp_path):
    source = FOLDER / "pusht" / "pusht_lowdim_robomimic.hdf5"
    arguments = (f"--source={source}", f"--out={tmp_path / 'new'}", "--observation_keys=agent_pos")
    assert "206 episodes of 25650 frames" in succeed("data.import_robomimic", *arguments)
    frames = episodes_of(tmp_path / "new")
    with h5py.File(source) as file:
        for number in (0, 9, 10, 205):
            demonstration = file[f"data/demo_{number}"]
            np.testing.assert_array_equal(frames[number].action, demonstration["actions"])
            position = demonstration["obs/agent_pos"]
            np.testing.assert_array_equal(frames[number].observation["agent_pos"], position)
    assert extra_of(tmp_path / "new")["source_environment"] == "PushT"


def test_a_raw_robosuite_file_lacks_observations(tmp_path):
    source = FOLDER / "robosuite" / "lift_3_demos_raw.hdf5"
    message = fail("data.import_robomimic", f"--source={source}", f"--out={tmp_path / 'new'}")
    assert "demo_1 has actions, states but no observations" in message
    assert "conversion/convert_robosuite.py" in message


@pytest.mark.parametrize("name", ["lerobot/pusht_image_slice_v3", "pusht"])
@pytest.mark.parametrize("command", ["d4rl", "minari", "rlds", "robomimic"])
def test_other_formats_are_refused_in_one_line(tmp_path, name, command):
    arguments = (f"--source={FOLDER / name}", f"--out={tmp_path / 'new'}")
    assert str(FOLDER / name) in fail(f"data.import_{command}", *arguments)
