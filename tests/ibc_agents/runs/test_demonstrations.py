"""Opening the demonstrations of a run."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.shards import encoding, spec_files
from ibc_agents.runs import demonstrations, settings, task


@pytest.mark.parametrize(("first_record", "dropped"), [(0, 0), (2, 3)])
def test_states_how_many_frames_belong_to_no_episode(tmp_path, capsys, first_record, dropped):
    frames = trajectory.Trajectory(
        step_type=np.int32([0, 1, 1, 1, 2, 0, 1]),
        observation=np.zeros([7, 2], np.float32),
        action=np.zeros([7, 1], np.float32),
        policy_info=(),
        next_step_type=np.int32([1, 1, 1, 2, 0, 1, 1]),
        reward=np.zeros(7, np.float32),
        discount=np.ones(7, np.float32),
    )
    spec = tf.nest.map_structure(lambda leaf: tf.TensorSpec(leaf.shape[1:], leaf.dtype), frames)
    shard = str(tmp_path / "driver.tfrecord")
    spec_files.write_spec(shard, spec)
    kept = tf.nest.map_structure(lambda leaf: leaf[first_record:], frames)
    with tf.io.TFRecordWriter(shard) as writer:
        for record in encoding.encode_frames(kept, spec, "raw"):
            writer.write(record)
    config = settings.DemonstrationSettings(dataset=shard)
    opened = demonstrations.open_demonstrations(config, task.Task(), None, tmp_path)
    assert opened.num_frames == 7 - first_record - dropped
    line = "1 shards of driver begin within an episode; 3 frames before the next one are not used\n"
    assert capsys.readouterr().out == (line if dropped else "")
