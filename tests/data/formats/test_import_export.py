"""Importers on files of each format's own library, and exports that are imported again."""

import json
import os
import re
import sys

import gymnasium
import h5py
import minari
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from minari import data_collector
from minari.dataset import minari_storage
from tf_agents.specs import tensor_spec

import data
from tests.data.formats.commands import episodes_of, extra_of, succeed
from tests.system import helpers

IMAGE = (8, 6, 3)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


# D4RL


def write_d4rl(path, lengths, rng, **columns):
    """Writes a file of demonstrations that move by small steps; returns the columns."""
    observations = np.concatenate(
        [rng.normal(size=4) + np.cumsum(rng.uniform(-0.1, 0.1, [n, 4]), axis=0) for n in lengths]
    )
    total, ends = sum(lengths), np.cumsum(lengths) - 1
    columns = {
        "observations": observations.astype(np.float32),
        "actions": rng.uniform(-1, 1, [total, 3]).astype(np.float32),
        "rewards": rng.normal(size=total).astype(np.float32),
        "terminals": np.isin(np.arange(total), ends[:-1]),  # a time limit ended the last one
        **columns,
    }
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            file.create_dataset(name, data=values, compression="gzip")
        file.create_dataset("infos/qpos", data=np.zeros([total, 2]))
    return columns


@pytest.fixture
def cut(tmp_path, rng):
    """Demonstrations of 30, 12 and 20 steps that were cut after 20 of them, as in D4RL."""
    path = tmp_path / "cut.hdf5"
    timeouts = np.isin(np.arange(62), [19, 61])
    return path, write_d4rl(path, [30, 12, 20], rng, timeouts=timeouts)


def test_d4rl_pieces_stay_separate_episodes_by_default(cut, tmp_path):
    path, columns = cut
    output = succeed("data.import_d4rl", f"--source={path}", f"--out={tmp_path / 'new'}")
    assert "4 episodes of 62 frames" in output
    assert "1 of them continue in the next one; --join_pieces joins these" in output
    frames = episodes_of(tmp_path / "new")
    assert [len(part.reward) for part in frames] == [20, 10, 12, 20]
    assert [part.discount.min() for part in frames] == [1, 0, 0, 1]
    for name, column in (("observation", "observations"), ("action", "actions")):
        joined = np.concatenate([getattr(part, name) for part in frames])
        np.testing.assert_array_equal(joined, columns[column])
    found = extra_of(tmp_path / "new")
    assert found["source"] == "cut.hdf5" and len(found["source_sha256"]) == 64
    assert (found["cuts_by_the_time_limit"], found["pieces_joined"]) == (1, False)


def test_d4rl_pieces_are_joined_if_the_observation_continues(cut, tmp_path):
    path, columns = cut
    arguments = (f"--source={path}", f"--out={tmp_path / 'new'}", "--join_pieces")
    assert "3 episodes of 62 frames" in succeed("data.import_d4rl", *arguments)
    frames = episodes_of(tmp_path / "new")
    assert [len(part.reward) for part in frames] == [30, 12, 20]
    assert [part.discount[-1] for part in frames] == [0, 0, 1]
    assert frames[0].discount[:-1].all()
    np.testing.assert_array_equal(frames[0].observation, columns["observations"][:30])
    # Every row is an executed action and the end of a window. No window crosses a border.
    opened = data.Demonstrations.open(tmp_path / "new", 0.0)
    assert opened.train.num_windows == 62
    assert frames[0].step_type.tolist() == [0] + [1] * 29
    assert frames[0].next_step_type.tolist() == [1] * 29 + [2]
    assert extra_of(tmp_path / "new")["pieces_joined"] is True


def test_d4rl_episodes_that_a_time_limit_ended_are_not_joined(tmp_path, rng):
    path = tmp_path / "whole.hdf5"
    columns = {"terminals": np.zeros(30, bool), "timeouts": np.arange(30) % 10 == 9}
    write_d4rl(path, [10, 10, 10], rng, **columns)
    arguments = (f"--source={path}", f"--out={tmp_path / 'new'}", "--join_pieces")
    assert "3 episodes of 30 frames" in succeed("data.import_d4rl", *arguments)


def test_d4rl_files_without_timeouts_need_the_time_limit(tmp_path, rng):
    path = tmp_path / "old.hdf5"
    write_d4rl(path, [30, 12, 20], rng)
    arguments = (f"--source={path}", f"--out={tmp_path / 'new'}")
    output = helpers.error_message(helpers.call("data.import_d4rl", *arguments))
    assert "has no `timeouts`; set --max_episode_steps" in output
    succeed("data.import_d4rl", *arguments, "--max_episode_steps=20")
    assert [len(part.reward) for part in episodes_of(tmp_path / "new")] == [20, 10, 12, 20]


def test_d4rl_next_observations_close_an_episode(tmp_path, rng):
    path, following = tmp_path / "next.hdf5", rng.normal(size=[9, 4]).astype(np.float32)
    write_d4rl(path, [4, 5], rng, timeouts=np.arange(9) == 8, next_observations=following)
    succeed("data.import_d4rl", f"--source={path}", f"--out={tmp_path / 'new'}")
    first, second = episodes_of(tmp_path / "new")
    np.testing.assert_array_equal(first.observation[-1], following[3])
    assert first.step_type.tolist() == [0, 1, 1, 1, 2] and first.next_step_type[-1] == 0
    assert (first.discount.tolist(), first.action[-1].tolist()) == ([1, 1, 1, 0, 1], [0, 0, 0])
    assert len(second.reward) == 6 and second.discount.all()


def test_d4rl_shards_must_have_vectors(tmp_path, write_dataset, make_spec, make_episode):
    folder = write_dataset([make_episode(3)], make_spec())
    done = helpers.call("data.import_d4rl", f"--source={folder}", f"--out={tmp_path / 'new'}")
    assert "observations or actions have parts" in helpers.error_message(done)


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"rewards": np.zeros(3)}, "differ in length"),
        ({"timeouts": np.zeros(9, bool)}, "remove --max_episode_steps"),
    ],
)
def test_d4rl_reports_bad_columns(tmp_path, rng, columns, problem):
    write_d4rl(tmp_path / "bad.hdf5", [9], rng, **columns)
    arguments = (f"--source={tmp_path / 'bad.hdf5'}", f"--out={tmp_path / 'new'}")
    done = helpers.call("data.import_d4rl", *arguments, "--max_episode_steps=5")
    assert problem in helpers.error_message(done)
    assert not (tmp_path / "new").exists()


# robomimic


@pytest.fixture
def robomimic_file(tmp_path, rng):
    """The layout of robomimic 0.3: eleven demonstrations, two of them with filter key `train`."""
    with h5py.File(tmp_path / "low_dim.hdf5", "w") as file:
        group = file.create_group("data")
        group.attrs["env_args"] = json.dumps({"env_name": "Lift", "type": 1, "env_kwargs": {}})
        for number in range(11):
            length = 3 + number
            demo = group.create_group(f"demo_{number}")
            demo.attrs["num_samples"] = length
            states = rng.normal(size=[length + 1, 5])
            demo["states"], demo["actions"] = states[:-1], rng.uniform(-1, 1, [length, 7])
            demo["rewards"], demo["dones"] = np.zeros(length), np.arange(length) == length - 1
            pixels = rng.integers(0, 256, [length + 1, *IMAGE]).astype(np.uint8)
            for name, rows in (("obs", slice(None, -1)), ("next_obs", slice(1, None))):
                demo[f"{name}/object"] = states[rows, :3]
                demo[f"{name}/agentview_image"] = pixels[rows]
        group.attrs["total"] = sum(demo.attrs["num_samples"] for demo in group.values())
        file["mask/train"] = np.array([b"demo_10", b"demo_2"])
    return tmp_path / "low_dim.hdf5"


def test_imports_robomimic(robomimic_file, tmp_path):
    succeed("data.import_robomimic", f"--source={robomimic_file}", f"--out={tmp_path / 'new'}")
    frames = episodes_of(tmp_path / "new")
    assert [len(part.reward) for part in frames] == [4 + number for number in range(11)]
    with h5py.File(robomimic_file) as file:
        for number, part in enumerate(frames):
            demo = file[f"data/demo_{number}"]
            for key in ("object", "agentview_image"):
                whole = np.concatenate([demo["obs"][key][:], demo["next_obs"][key][-1:]])
                np.testing.assert_array_equal(part.observation[key], whole)
            np.testing.assert_array_equal(part.action[:-1], demo["actions"][:])
    assert frames[0].discount.tolist() == [1, 1, 0, 1]
    assert extra_of(tmp_path / "new")["source_environment"] == "Lift"


def test_robomimic_filter_keys_and_observation_keys(robomimic_file, tmp_path):
    arguments = (f"--source={robomimic_file}", f"--out={tmp_path / 'new'}")
    chosen = ("--filter_key=train", "--observation_keys=object")
    succeed("data.import_robomimic", *arguments, *chosen)
    frames = episodes_of(tmp_path / "new")
    assert [len(part.reward) for part in frames] == [6, 14]
    assert list(frames[0].observation) == ["object"]
    for flag, problem in (
        ("--filter_key=valid", "--filter_key can be: train"),
        ("--observation_keys=eef", "no part 'eef'; its parts are: agentview_image, object"),
    ):
        done = helpers.call(
            "data.import_robomimic", *arguments[:1], f"--out={tmp_path / 'b'}", flag
        )
        assert problem in helpers.error_message(done)


# Minari


@pytest.fixture
def minari_folder(tmp_path, rng):
    """Two episodes, the first one truncated, the second one terminated."""
    observation = gymnasium.spaces.Dict(
        hand=gymnasium.spaces.Box(-np.inf, np.inf, [3]), door=gymnasium.spaces.Box(0, 1, [2])
    )
    folder = tmp_path / "door" / "tiny-v0"
    folder.mkdir(parents=True)
    storage = minari_storage.MinariStorage.new(
        folder / "data",
        observation_space=observation,
        action_space=gymnasium.spaces.Box(-1.0, 2.0, [4], np.float64),
    )
    identity = {"dataset_id": "door/tiny-v0", "minari_version": minari.__version__}
    storage.update_metadata(identity)
    buffers = []
    for number, length in enumerate([5, 7]):
        last = np.arange(length) == length - 1
        seen = {"hand": [length + 1, 3], "door": [length + 1, 2]}
        buffers.append(
            data_collector.EpisodeBuffer(
                id=number,
                observations={k: rng.normal(size=v).astype(np.float32) for k, v in seen.items()},
                actions=rng.uniform(-1, 2, [length, 4]),
                rewards=list(rng.normal(size=length)),
                terminations=last & (number == 1),
                truncations=last & (number == 0),
            )
        )
    storage.update_episodes(buffers)
    return folder, buffers


@pytest.mark.parametrize("by_id", [False, True])
def test_imports_minari(minari_folder, tmp_path, monkeypatch, by_id):
    folder, buffers = minari_folder
    monkeypatch.setenv("MINARI_DATASETS_PATH", os.fspath(tmp_path))
    source = "door/tiny-v0" if by_id else folder
    output = succeed("data.import_minari", f"--source={source}", f"--out={tmp_path / 'new'}")
    assert "2 episodes of 14 frames" in output
    for part, buffer in zip(episodes_of(tmp_path / "new"), buffers, strict=True):
        for key, values in buffer.observations.items():
            np.testing.assert_array_equal(part.observation[key], values)
        np.testing.assert_array_equal(part.action[:-1], buffer.actions)
        np.testing.assert_array_equal(part.reward[:-1], np.float32(buffer.rewards))
        assert part.step_type[-1] == 2 and not part.action[-1].any()
        assert part.discount[-2] == 1 - buffer.terminations[-1]
    action = data.read_spec(data.resolve_shards(tmp_path / "new")[0]).action
    assert action == tensor_spec.BoundedTensorSpec([4], tf.float64, [-1.0] * 4, [2.0] * 4)
    assert extra_of(tmp_path / "new") == {
        "source": "door/tiny-v0", "source_format": f"Minari {minari.__version__}",
    }  # fmt: skip


# RLDS


class Tiny(tfds.core.GeneratorBasedBuilder):
    """Two episodes of RLDS, with parts that an agent cannot use."""

    __module__ = "tiny"  # TensorFlow Datasets looks for files beside the module.
    VERSION = tfds.core.Version("1.0.0")
    lengths = (3, 5)
    steps = {
        "observation": {
            "state": tfds.features.Tensor(shape=(2,), dtype=np.float64),
            "instruction": tfds.features.Text(),
        },
        "action": tfds.features.Tensor(shape=(1,), dtype=np.float32),
        "is_first": np.bool_,
        "is_last": np.bool_,
        "is_terminal": np.bool_,
        "reward": np.float64,
    }

    def _info(self):
        features = tfds.features.FeaturesDict({"steps": tfds.features.Dataset(self.steps)})
        return tfds.core.DatasetInfo(builder=self, features=features, disable_shuffling=True)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number, length in enumerate(self.lengths):
            yield number, {"steps": [self.step(number, row, length) for row in range(length)]}

    def step(self, number, row, length):
        last = row == length - 1
        return {
            "observation": {"state": np.array([number, row], np.float64), "instruction": "push"},
            "action": np.array([0.1 * row], np.float32),
            "is_first": row == 0,
            "is_last": last,
            "is_terminal": last and number == 1,
            "reward": float(row),
        }


def test_imports_rlds(tmp_path):
    Tiny(data_dir=os.fspath(tmp_path / "tfds")).download_and_prepare()
    source = f"--source={tmp_path / 'tfds' / 'tiny' / '1.0.0'}"
    # The instruction is text, so the other parts must be chosen.
    done = helpers.call("data.import_rlds", source, f"--out={tmp_path / 'new'}")
    assert "observation/instruction has dtype string, which cannot" in helpers.error_message(done)
    arguments = (source, f"--out={tmp_path / 'new'}", "--observation_keys=state")
    assert "2 episodes of 8 frames" in succeed("data.import_rlds", *arguments)
    for number, part in enumerate(episodes_of(tmp_path / "new")):
        rows = np.arange(Tiny.lengths[number])
        expected = np.stack([np.full_like(rows, number), rows], axis=1)
        np.testing.assert_array_equal(part.observation["state"], expected)
        assert part.reward.tolist() == rows.tolist()
        assert part.step_type.tolist() == [0, *[1] * (len(rows) - 2), 2]
        assert part.discount.tolist() == [*[1] * (len(rows) - 2), 1 - number, 1]
    assert extra_of(tmp_path / "new") == {
        "source": "tiny/1.0.0", "source_format": "RLDS", "source_split": "train",
    }  # fmt: skip
    done = helpers.call("data.import_rlds", *arguments, "--split=test")
    assert "test" in helpers.error_message(done)


# Round trips


@pytest.fixture
def originals(write_dataset, make_spec, make_episode):
    """Writes closed episodes and one that stops after an executed action."""

    def write(image_shape=None):
        made = [make_episode(n, n, image_shape, ends=n != 6) for n in (5, 2, 6)]
        made[0].frames.discount[-2] = 0.0
        return write_dataset(made, make_spec(image_shape), image_format="png")

    return write


def test_rlds_round_trip(originals, tmp_path, assert_same_frames):
    folder, out = originals(IMAGE), tmp_path / "tfds"
    succeed("data.export_rlds", f"--dataset={folder}", f"--out={out}", "--name=toy")
    source = out / "toy" / "1.0.0"
    theirs = tfds.builder_from_directory(source).as_dataset(split="train")
    steps = [list(episode["steps"].as_numpy_iterator()) for episode in theirs]
    assert [len(episode) for episode in steps] == [5, 2, 6]
    assert [bool(episode[-1]["is_last"]) for episode in steps] == [True, True, False]
    assert [bool(episode[-1]["is_terminal"]) for episode in steps] == [True, False, False]
    succeed("data.import_rlds", f"--source={source}", f"--out={tmp_path / 'back'}")
    back = episodes_of(tmp_path / "back")
    for actual, expected in zip(back, episodes_of(folder), strict=True):
        if expected.step_type[-1] != 2:  # RLDS does not store the next step type.
            actual.next_step_type[-1] = expected.next_step_type[-1]
        assert_same_frames(actual, expected)


def test_minari_round_trip(originals, tmp_path, assert_same_frames):
    original, name = originals(), ("--dataset_id=ibc/toy-v0", f"--out={tmp_path / 'minari'}")
    output = succeed("data.export_minari", f"--dataset={original}", *name)
    assert "3 episodes of 10 actions" in output and "1 actions are omitted" in output
    folder = tmp_path / "minari" / "ibc" / "toy-v0"
    theirs = minari.MinariDataset(folder / "data")
    assert [len(episode) for episode in theirs.iterate_episodes()] == [4, 1, 5]
    np.testing.assert_array_equal(theirs.action_space.high, [1.0, 2.0])
    succeed("data.import_minari", f"--source={folder}", f"--out={tmp_path / 'back'}")
    back, frames = episodes_of(tmp_path / "back"), episodes_of(original)
    for actual, expected in zip(back, frames, strict=True):
        assert_same_frames(actual.observation, expected.observation)
        assert_same_frames(actual.action[:-1], expected.action[:-1])
        assert_same_frames(actual.reward[:-1], expected.reward[:-1])
        assert_same_frames(actual.discount[:-1], expected.discount[:-1])
        assert actual.step_type[-1] == 2
        np.testing.assert_array_equal(actual.step_type[:-1], expected.step_type[:-1])
    ours = data.read_spec(data.resolve_shards(original)[0]).action
    assert data.read_spec(data.resolve_shards(tmp_path / "back")[0]).action == (
        tensor_spec.BoundedTensorSpec([2], tf.float32, [-1.0, -1.0], ours.maximum)
    )


def test_minari_stores_large_images_as_jpeg(tmp_path, write_dataset, make_spec, make_episode):
    shape = (40, 48, 3)
    folder = write_dataset([make_episode(3, 0, shape)], make_spec(shape))
    name = ("--dataset_id=toy-v0", f"--out={tmp_path / 'minari'}")
    succeed("data.export_minari", f"--dataset={folder}", *name)
    source = f"--source={tmp_path / 'minari' / 'toy-v0'}"
    succeed("data.import_minari", source, f"--out={tmp_path / 'back'}")
    (actual,), (expected,) = episodes_of(tmp_path / "back"), episodes_of(folder)
    difference = actual.observation["rgb"].astype(int) - expected.observation["rgb"]
    assert np.abs(difference).mean() < 3


# Errors


def test_an_importer_reports_a_missing_library_in_one_line(tmp_path, monkeypatch):
    source = tmp_path / "h5py.py"
    source.write_text("raise ModuleNotFoundError(name='h5py')")
    monkeypatch.setattr(helpers, "ROOT", f"{tmp_path}:{helpers.ROOT}")  # sys.path of the command
    arguments = (f"--source={source}", f"--out={tmp_path / 'new'}")
    done = helpers.run("data.import_robomimic", *arguments, folder=tmp_path)
    assert helpers.error_message(done) == (
        "error: h5py is not installed; install it with: pip install 'ibc-agents[d4rl]'"
    )


@pytest.mark.parametrize(
    ("command", "module", "flag"),
    [
        ("data.export_minari", "minari", "--dataset_id=toy-v0"),
        ("data.export_rlds", "tensorflow_datasets", "--name=toy"),
    ],
)
def test_an_exporter_reports_a_missing_library_in_one_line(
    tmp_path, monkeypatch, command, module, flag
):
    monkeypatch.setitem(sys.modules, module, None)
    done = helpers.call(command, f"--dataset={tmp_path}", f"--out={tmp_path / 'new'}", flag)
    assert helpers.error_message(done) == (
        f"error: {module} is not installed; install it with: pip install 'ibc-agents[d4rl]'"
    )


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("data.import_d4rl", "an HDF5 file of D4RL"),
        ("data.import_robomimic", "an HDF5 file of robomimic"),
        ("data.import_minari", "a local Minari dataset"),
        ("data.import_rlds", "a prepared dataset of TensorFlow Datasets"),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_reports_an_unreadable_source_in_one_line(tmp_path, monkeypatch, command, kind, there):
    monkeypatch.setenv("MINARI_DATASETS_PATH", os.fspath(tmp_path / "minari"))
    source = tmp_path / "source"
    if there and "hdf5" in kind.lower():
        source.write_bytes(b"no HDF5")
    elif there:
        source.mkdir()
    done = helpers.call(command, f"--source={source}", f"--out={tmp_path / 'new'}")
    output = (
        rf"error: {source}: (cannot be read as|no such file or folder; name) {kind}( \(.*\))?\."
    )
    assert re.fullmatch(output, helpers.error_message(done))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("command", "flag", "problem"),
    [
        ("data.export_minari", "--dataset_id=toy", "--dataset_id is 'toy'; write it as NAMESPACE"),
        ("data.export_rlds", "--name=A-b", "--name is 'A-b'; use lower-case letters"),
    ],
)
def test_export_names_are_checked(originals, tmp_path, command, flag, problem):
    done = helpers.call(command, f"--dataset={originals()}", f"--out={tmp_path / 'new'}", flag)
    assert problem in helpers.error_message(done)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("command", "flag", "shape", "problem"),
    [
        (
            "data.export_minari",
            "--dataset_id=toy-v0",
            IMAGE,
            "cannot store uint8 of shape (8, 6",
        ),
        ("data.export_rlds", "--name=toy", None, "it contains a tuple, and RLDS stores only"),
    ],
    ids=["minari", "rlds"],
)
def test_exports_reject_what_a_format_cannot_store(
    tmp_path, write_dataset, make_spec, make_episode, command, flag, shape, problem
):
    spec, episode = make_spec(shape), make_episode(3, 0, shape)
    if shape is None:
        spec = spec._replace(action=(spec.action,))
        episode = data.Episode(episode.frames._replace(action=(episode.frames.action,)))
    folder = write_dataset([episode], spec)
    done = helpers.call(command, f"--dataset={folder}", f"--out={tmp_path / 'new'}", flag)
    assert problem in helpers.error_message(done)
    assert not list((tmp_path / "new").rglob("*.*")), "something was written"


@pytest.mark.parametrize(
    "command",
    [
        *("import_d4rl", "import_minari", "import_rlds", "import_robomimic"),
        *("export_minari", "export_rlds", "download"),
    ],
)
def test_help_names_the_command_and_exits_with_0(command, tmp_path):
    done = helpers.run(f"data.{command}", "--help", folder=tmp_path)
    assert done.returncode == 0, done
    assert f"python -m data.{command}" in done.stdout and "--out:" in done.stdout
    assert done.stderr == ""
