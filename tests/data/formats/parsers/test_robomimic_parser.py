"""Files of robomimic, MimicGen and robosuite, as people have them."""

import h5py
import numpy as np
import pytest

from tests.data.formats.commands import episodes_of, extra_of, fail, succeed


@pytest.fixture
def write(tmp_path):
    """Writes a file of demonstrations with the given names; returns the flags of the importer."""

    def write(names, mask=None, without=(), **columns):
        path = tmp_path / "demo.hdf5"
        with h5py.File(path, "w") as file:
            file.create_group("data")
            for number, name in enumerate(names):
                length = number + 2
                parts = {
                    "actions": np.full([length, 2], number / 10),
                    "rewards": np.ones(length),
                    "dones": np.arange(length) == length - 1,
                    "obs/object": np.arange(3.0 * length).reshape(length, 3),
                }
                for key, values in {**parts, **columns}.items():
                    if key not in without:
                        file[f"data/{name}/{key}"] = values[:length]
            if mask is not None:
                file["mask/train"] = mask
        return f"--source={path}", f"--out={tmp_path / 'new'}"

    return write


def test_observations_can_be_groups(write, tmp_path):
    arm = np.arange(4.0).reshape(4, 1)
    columns = {f"{part}/robot/arm": arm + n for n, part in enumerate(("obs", "next_obs"))}
    arguments = write(["demo_0"], **columns, without=("obs/object",))
    succeed("data.import_robomimic", *arguments)
    (frames,) = episodes_of(tmp_path / "new")
    assert frames.observation["robot"]["arm"].tolist() == [[0], [1], [2]]


def test_only_actions_and_observations_are_needed(write, tmp_path):
    succeed("data.import_robomimic", *write(["demo_0"], without=("rewards", "dones")))
    (frames,) = episodes_of(tmp_path / "new")
    assert (frames.reward.tolist(), frames.discount.tolist()) == ([0, 0], [1, 1])
    assert "source_environment" not in extra_of(tmp_path / "new")


def test_names_are_sorted_by_their_numbers(write, tmp_path):
    names = ["episode10", "episode9", "run2_part_1", "last"]
    succeed("data.import_robomimic", *write(names))
    lengths = [len(frames.reward) for frames in episodes_of(tmp_path / "new")]
    assert lengths == [3, 2, 5, 4]


def test_empty_demonstrations_are_omitted_and_counted(write, tmp_path):
    arguments = write(["demo_0", "demo_1", "demo_2"])
    with h5py.File(arguments[0].removeprefix("--source="), "a") as file:
        del file["data/demo_1"]
        file["data/demo_1/actions"] = np.zeros([0, 2])
    output = succeed("data.import_robomimic", *arguments)
    assert "2 episodes of 6 frames" in output
    assert "1 episodes without an executed action are omitted" in output


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [
        (">f8", "float64"),
        ("<f4", "float32"),
        (">i4", "int32"),
        ("u4", "int64"),
        ("u8", "int64"),
        ("?", "uint8"),
    ],
)
def test_numbers_become_what_shards_store(write, tmp_path, dtype, stored):
    values = np.array([[0], [1]], dtype)
    succeed("data.import_robomimic", *write(["demo_0"], **{"obs/object": values}))
    (frames,) = episodes_of(tmp_path / "new")
    assert frames.observation["object"].dtype == stored
    np.testing.assert_array_equal(frames.observation["object"], values)


def test_a_number_out_of_range_is_an_error(write):
    arguments = write(["demo_0"], **{"obs/object": np.full([2, 1], 2**63, np.uint64)})
    message = "demo_0: a column has the value 9223372036854775808, above the range of int64"
    assert message in fail("data.import_robomimic", *arguments)


@pytest.mark.parametrize(
    "mask",
    [
        np.array([b"demo_7", b"demo_3"]),
        ["demo_3", "demo_7"],
        np.array([7, 3]),
        np.array([3, 7], np.uint8),
        np.array([True, False, True]),
    ],
    ids=["bytes", "text", "numbers", "unsigned numbers", "booleans"],
)
def test_masks_are_lists_of_names_or_numbers_or_booleans(write, tmp_path, mask):
    names = ["demo_3", "demo_5", "demo_7"]
    succeed("data.import_robomimic", *write(names, mask), "--filter_key=train")
    assert [len(frames.reward) for frames in episodes_of(tmp_path / "new")] == [2, 4]


@pytest.mark.parametrize(
    ("mask", "problem"),
    [
        (
            ["demo_9", "demo_0"],
            "names 1 demonstrations that the file does not have: demo_9. Choose",
        ),
        ([0, 1, 4], "names 1 demonstrations that the file does not have: number 4. Choose"),
        ([0, 1, 1, 0], "names a demonstration twice; is it a list of 0 and 1?"),
        ([True], "mask/train has 1 elements for 2 demonstrations"),
        (0, "mask/train is not a list of demonstrations"),
        ([0.5], "mask/train is not a list of demonstrations"),
    ],
)
def test_a_wrong_mask_is_an_error(write, tmp_path, mask, problem):
    arguments = write(["demo_0", "demo_1"], mask)
    assert problem in fail("data.import_robomimic", *arguments, "--filter_key=train")
    assert not (tmp_path / "new").exists()


def test_raw_files_of_robosuite_lack_observations(write):
    arguments = write(
        ["demo_1"], without=("obs/object", "rewards", "dones"), states=np.zeros([2, 5])
    )
    message = fail("data.import_robomimic", *arguments)
    assert "demo_1 has actions, states but no observations (obs)" in message
    assert "conversion/convert_robosuite.py" in message and "dataset_states_to_obs.py" in message


def test_columns_of_different_lengths_are_named(write):
    arguments = write(["demo_0"], **{"obs/object": np.zeros([5, 3]), "rewards": np.zeros(1)})
    assert "demo.hdf5: demo_0: the leaves of an episode have lengths [1, 2]" in fail(
        "data.import_robomimic", *arguments
    )


def test_the_group_of_demonstrations_is_needed(tmp_path):
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["observations"] = np.zeros(3)
    source = f"--source={tmp_path / 'other.hdf5'}"
    message = fail("data.import_robomimic", source, f"--out={tmp_path / 'new'}")
    assert "it has no group 'data', in which robomimic stores demonstrations" in message
