"""Runs on demonstrations that this project did not write."""

import json
import os
import pathlib

import pytest

from tests.system import helpers

FOLDER = pathlib.Path(
    os.environ.get("IBC_INTEROP_DATA", helpers.ROOT.parent / "shared" / "interop")
)
SHARD = FOLDER / "particle" / "2d_oracle_particle.tfrecord"

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(not SHARD.exists(), reason=f"no such shard (IBC_INTEROP_DATA): {SHARD}"),
]


@pytest.mark.parametrize("environment", ["none", "particle"])
def test_learns_from_a_foreign_shard(tmp_path, environment):
    values = [
        "EvaluationSettings.num_episodes=2",
        "TrainingSettings.validation_interval=60",
        "TrainingSettings.summary_interval=10",
        f"DemonstrationSettings.dataset='{SHARD}'",
        helpers.IN_MEMORY,
        *(["Task.environment=None"] if environment == "none" else []),
    ]
    arguments = helpers.small_run(tmp_path / "run", tmp_path / "data", 60, *values, method="mse")
    done = helpers.call("ibc_agents.train", *arguments)
    assert done.returncode == 0, done
    assert not (tmp_path / "data").exists()
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert ("success" in results) == (environment == "particle")
    assert results["dataset"]["name"] == "2d_oracle_particle"
    split = results["dataset"]["train_episodes"], results["dataset"]["validation_episodes"]
    assert sum(split) == 10
    loss = helpers.scalars(tmp_path / "run" / "train")["loss"]
    assert loss[50] < 0.8 * loss[0]
    assert sorted(helpers.scalars(tmp_path / "run" / "validation")["loss"]) == [60]
