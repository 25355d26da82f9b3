"""A full disk ends a command with a message; with free space the same command finishes.

A limit on the size of files simulates the full disk.
"""

import json

from tests.system import helpers


def test_collection_leaves_nothing(tmp_path):
    arguments = ["--environment=particle", "--episodes=5", f"--out={tmp_path / 'dataset'}"]
    with helpers.full_disk(10_000):
        error = helpers.error_message(helpers.call("ibc_agents.collect", *arguments))
    assert f"cannot write {tmp_path / 'dataset'} (File too large)" in error, error
    assert helpers.files(tmp_path) == []
    assert helpers.call("ibc_agents.collect", *arguments).returncode == 0
    assert "dataset/manifest.json" in helpers.files(tmp_path)


def test_a_run_continues_when_there_is_space_again(finished, tmp_path):
    """The limit stops first the folder, then TensorBoard, a checkpoint, and the policy."""
    root_dir = tmp_path / "run"
    values = (
        helpers.IN_MEMORY,
        "TrainingSettings.checkpoint_interval=40",
        "TrainingSettings.summary_interval=1",
        "MlpEncoder.width=64",
    )
    arguments = helpers.small_run(root_dir, finished.data_dir, 80, *values, method="mse")

    with helpers.full_disk(100):
        error = helpers.error_message(helpers.call("ibc_agents.train", *arguments))
    assert error == (
        f"error: cannot write to root_dir {root_dir} (File too large). Choose another --root_dir."
    )
    assert helpers.files(root_dir) == []

    with helpers.full_disk(6_000):
        error = helpers.error_message(helpers.call("ibc_agents.train", *arguments))
    assert f"cannot write TensorBoard's scalars to {root_dir} (File too large)" in error, error

    with helpers.full_disk(50_000):
        error = helpers.error_message(helpers.call("ibc_agents.train", *arguments))
    assert f"cannot write the checkpoint of step 40 to {root_dir} (File too large)" in error, error
    assert helpers.checkpointed_step(root_dir) == 0

    with helpers.full_disk(180_000):
        error = helpers.error_message(helpers.call("ibc_agents.train", *arguments))
    assert f"cannot write {root_dir / 'policy'} (File too large)" in error, error
    left = {path.name for path in root_dir.iterdir()}
    assert not left & {"results.json", "policy"} and ".policy.partial" not in left

    done = helpers.call("ibc_agents.train", *arguments)
    assert done.returncode == 0, done
    results = json.loads((root_dir / "results.json").read_text())
    assert results["resumed_at_step"] == results["train_steps"] == 80
    assert (root_dir / "policy" / "saved_model.pb").exists()
