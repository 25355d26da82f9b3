"""The nearest-neighbor baseline in the commands."""

import json

from tests.system import helpers


def test_run_repetition_and_evaluation(tmp_path):
    """A repeated command finds its checkpoint; the SavedModel reproduces the actions of the run."""
    root_dir = tmp_path / "run"
    arguments = helpers.small_run(
        root_dir,
        tmp_path / "data",
        1,
        "EvaluationSettings.recorded_episodes=1",
        "DemonstrationSettings.validation_fraction=0.3",
        method="nearest_neighbor",
    )
    results = []
    for _ in range(2):
        done = helpers.call("ibc_agents.train", *arguments)
        assert done.returncode == 0, done
        results.append(json.loads((root_dir / "results.json").read_text()))
    assert [found["resumed_at_step"] for found in results] == [0, 1]
    assert [found["train_steps"] for found in results] == [1, 1]
    assert results[0]["episodes"] == results[1]["episodes"]
    assert (root_dir / "rollouts.mp4").stat().st_size > 0
    assert not (root_dir / "energy_landscape.png").exists()
    assert helpers.scalars(root_dir / "train")["loss"] == {0: 0.0}
    assert helpers.scalars(root_dir / "validation")["loss"][1] > 0

    evaluation = tmp_path / "evaluation.json"
    done = helpers.call(
        "ibc_agents.evaluate",
        f"--policy={root_dir}",
        "--episodes=4",
        f"--results={evaluation}",
    )
    assert done.returncode == 0 and done.stderr == "", done
    assert json.loads(evaluation.read_text())["episodes"] == results[0]["episodes"]


def test_resuming_with_other_windows_is_an_error(tmp_path):
    for window in (1, 2):
        arguments = helpers.small_run(
            tmp_path / "run",
            tmp_path / "data",
            1,
            f"NearestNeighborAgent.window={window}",
            method="nearest_neighbor",
        )
        done = helpers.call("ibc_agents.train", *arguments)
    assert "NearestNeighborAgent.window was 1, is 2" in helpers.error_message(done)
