"""Datasets of RLDS that leave out steps, fields or parts."""

import json

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.data.formats.commands import episodes_of, fail, succeed

FIELDS = {
    "observation": tfds.features.Tensor(shape=(1,), dtype=np.float32),
    "action": tfds.features.Tensor(shape=(1,), dtype=np.float32),
    "is_first": np.bool_,
    "is_last": np.bool_,
    "is_terminal": np.bool_,
}
COMPOSITE = {
    "arm": tfds.features.Tensor(shape=(1,), dtype=np.float32),
    "terminate_episode": tfds.features.Tensor(shape=(3,), dtype=np.int32),
}


@pytest.fixture
def write(tmp_path):
    """Writes a dataset of episodes of these lengths; returns the flags of the importer."""

    def write(lengths, fields=FIELDS, change=lambda step, last: step):
        folder = tmp_path / "toy"
        folder.mkdir()
        identity = tfds.core.dataset_info.DatasetIdentity(
            name="toy", version=tfds.core.Version("1.0.0"), data_dir=str(folder), module_name=""
        )
        features = tfds.features.FeaturesDict({"steps": tfds.features.Dataset(fields)})
        info = tfds.core.DatasetInfo(builder=identity, features=features)
        writer = tfds.core.SequentialWriter(info, max_examples_per_shard=100)
        writer.initialize_splits(["train"])
        for length in lengths:
            steps = [change(step(row, length), row == length - 1) for row in range(length)]
            steps = [{key: values[key] for key in fields} for values in steps]
            writer.add_examples({"train": [{"steps": steps}]})
        writer.close_all()
        return f"--source={folder}", f"--out={tmp_path / 'new'}"

    return write


def step(row, length):
    last = row == length - 1
    return {
        "observation": np.array([row], np.float32),
        "action": np.array([row / 10], np.float32),
        **{"is_first": row == 0, "is_last": last, "is_terminal": last},
    }


def test_the_end_of_a_task_need_not_be_recorded(write, tmp_path):
    fields = {key: feature for key, feature in FIELDS.items() if key != "is_terminal"}
    succeed("data.import_rlds", *write([4], fields))
    (frames,) = episodes_of(tmp_path / "new")
    assert frames.discount.tolist() == [1, 1, 1, 1] and frames.step_type[-1] == 2


def test_a_last_step_must_be_marked(write):
    fields = {key: feature for key, feature in FIELDS.items() if key != "is_last"}
    message = fail("data.import_rlds", *write([4], fields))
    assert "its steps have no is_last; they have action, is_first, is_terminal, obs" in message


def test_episodes_without_an_executed_action_are_omitted_and_counted(write, tmp_path):
    output = succeed("data.import_rlds", *write([3, 0, 1, 4]))
    assert "2 episodes of 7 frames" in output
    assert "2 episodes without an executed action are omitted" in output
    assert [len(frames.reward) for frames in episodes_of(tmp_path / "new")] == [3, 4]


def test_parts_of_actions_are_selected_by_the_flag_that_the_message_names(write, tmp_path):
    def compose(values, last):
        flag = np.array([last, not last, 0], np.int32)
        return {**values, "action": {"arm": values["action"], "terminate_episode": flag}}

    arguments = write([3], {**FIELDS, "action": COMPOSITE}, compose)
    message = fail("data.import_rlds", *arguments)
    assert "action/terminate_episode has dtype int32, and agents learn actions of" in message
    assert "--action_keys=arm" in message
    succeed("data.import_rlds", *arguments, "--action_keys=arm")
    (frames,) = episodes_of(tmp_path / "new")
    np.testing.assert_array_equal(frames.action["arm"], np.float32([[0], [0.1], [0.2]]))


def test_an_action_that_was_never_executed_can_be_nan(write, tmp_path):
    def forget(values, last):
        return {**values, "action": np.float32([np.nan])} if last else values

    succeed("data.import_rlds", *write([3], change=forget))
    (frames,) = episodes_of(tmp_path / "new")
    assert np.isnan(frames.action).any(axis=1).tolist() == [False, False, True]


def test_an_executed_action_must_be_finite(write):
    arguments = write([3], change=lambda values, _: {**values, "action": np.float32([np.nan])})
    assert "episode 0, frame 0: action is NaN or infinite" in fail("data.import_rlds", *arguments)


def test_refuses_to_import_the_modules_that_a_dataset_names(write, tmp_path, monkeypatch):
    (tmp_path / "foreign_features.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    arguments = write([3])
    path = tmp_path / "toy" / "features.json"
    text = path.read_text().replace(
        "tensorflow_datasets.core.features.tensor_feature.Tensor", "foreign_features.Tensor"
    )
    path.write_text(text)
    message = fail("data.import_rlds", *arguments)
    assert "features.json names 'foreign_features.Tensor', and importing a dataset does" in message
    assert not (tmp_path / "ran").exists()


def test_refuses_files_outside_of_the_folder(write, tmp_path):
    arguments = write([3])
    path = tmp_path / "toy" / "dataset_info.json"
    content = json.loads(path.read_text())
    content["splits"][0]["filepathTemplate"] = "../{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    path.write_text(json.dumps(content))
    (shard,) = (tmp_path / "toy").glob("*.tfrecord-*")
    shard.rename(tmp_path / shard.name)
    message = fail("data.import_rlds", *arguments)
    assert "its split 'train' refers to a file outside of the folder" in message


def test_a_shard_that_is_shorter_than_recorded_is_an_error(write, tmp_path):
    arguments = write([3, 4])
    path = tmp_path / "toy" / "dataset_info.json"
    content = json.loads(path.read_text())
    content["splits"][0]["shardLengths"] = ["3"]
    path.write_text(json.dumps(content))
    message = fail("data.import_rlds", *arguments)
    assert "was expected to contain 3 elements but contained only 2 elements" in message
    assert not (tmp_path / "new").exists()
