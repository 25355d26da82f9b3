"""`python -m ibc_agents.evaluate` on a run, and on a SavedModel without its run."""

import json
import shutil
import sys
from unittest import mock

import imageio.v2 as imageio
import pytest
import tensorflow as tf

from ibc_agents.core import errors
from ibc_agents.visualization import live_window, videos
from tests.system import helpers


def test_reproduces_the_outcomes_of_the_run(finished, tmp_path):
    """The SavedModel acts as the live policy, at another batch size too."""
    video, results = tmp_path / "rollouts.mp4", tmp_path / "evaluation.json"
    done = helpers.run(
        "ibc_agents.evaluate",
        f"--policy={finished.root_dir}",
        "--episodes=4",
        "--seed=5",
        "--batch_size=4",
        f"--video={video}",
        "--video_episodes=2",
        f"--results={results}",
        folder=tmp_path,
    )
    assert done.returncode == 0, done
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        finished.done.stdout.splitlines()[0],
        f"the outcomes are in {results}",
        f"the video is in {video}",
    ]
    found = json.loads(results.read_text())
    for key in ("episodes", "success", "return", "evaluation_seed", "versions"):
        assert found[key] == finished.results[key]
    assert found["policy"] == str(finished.root_dir / "policy")
    # Two episodes: first frames, 50 actions each, and 10 times the last frames again.
    assert imageio.get_reader(video).count_frames() == 2 * 61


def test_a_failing_video_does_not_cost_the_outcomes(finished, tmp_path, monkeypatch):
    failing = mock.Mock(side_effect=errors.RunError("cannot write the video."))
    monkeypatch.setattr(videos.RolloutRecorder, "write", failing)
    results, video = tmp_path / "new" / "evaluation.json", tmp_path / "rollouts.gif"
    arguments = [f"--policy={finished.root_dir}", "--episodes=1", "--seed=5"]
    done = helpers.call(
        "ibc_agents.evaluate", *arguments, f"--results={results}", f"--video={video}"
    )
    assert helpers.error_message(done) == "error: cannot write the video."
    assert f"the outcomes are in {results}" in done.stdout
    assert json.loads(results.read_text())["episodes"] == finished.results["episodes"][:1]


def test_shows_the_episodes_in_a_window(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")  # A window without a screen.
    shown = mock.Mock(wraps=live_window.LiveWindow.show)
    monkeypatch.setattr(live_window.LiveWindow, "show", lambda window, frame: shown(window, frame))
    results, video = tmp_path / "evaluation.json", tmp_path / "rollout.gif"
    done = helpers.call(
        "ibc_agents.evaluate",
        f"--policy={finished.root_dir}",
        "--episodes=2",
        "--seed=5",
        "--gui",
        f"--video={video}",
        "--video_episodes=1",
        f"--results={results}",
    )
    assert done.returncode == 0, done
    assert json.loads(results.read_text())["episodes"] == finished.results["episodes"][:2]
    assert shown.call_count == 2 * 51  # the first frame and 50 actions each
    assert 0 < imageio.get_reader(video).get_length() <= 61  # still frames of a GIF are merged


def test_evaluates_a_saved_model_without_its_run(finished, tmp_path):
    """Without the run, flags name the environment. Another seed gives other episodes."""
    alone = shutil.copytree(finished.root_dir / "policy", tmp_path / "model")
    results, video = tmp_path / "evaluation.json", tmp_path / "rollout.gif"
    arguments = [f"--policy={alone}", "--episodes=2", f"--results={results}"]
    error = helpers.error_message(helpers.call("ibc_agents.evaluate", *arguments))
    assert "--environment=particle" in error
    done = helpers.call(
        "ibc_agents.evaluate",
        *arguments,
        "--environment=particle",
        "--seed=6",
        f"--video={video}",
        "--video_episodes=1",
    )
    assert done.returncode == 0, done
    found = json.loads(results.read_text())
    assert [outcome["episode"] for outcome in found["episodes"]] == [0, 1]
    assert found["evaluation_seed"] == 6
    frames = imageio.mimread(video, memtest=False)
    assert frames[0].shape[:2] == imageio.mimread(finished.root_dir / "rollouts.mp4")[0].shape[:2]


def test_policies_of_other_releases_are_evaluated_in_a_named_environment(finished, tmp_path):
    """Their SavedModels load; their gin files may set what this release does not know."""
    shutil.copytree(finished.root_dir / "policy", tmp_path / "policy")
    config = tmp_path / "operative_config.gin"
    config.write_text("Neighborhood.weight = 2.0\n")
    error = helpers.error_message(helpers.call("ibc_agents.evaluate", f"--policy={tmp_path}"))
    assert "'Neighborhood'" in error
    assert f". If another release of ibc_agents wrote {config}, name the environment" in error
    done = helpers.call(
        "ibc_agents.evaluate", f"--policy={tmp_path}", "--environment=particle", "--episodes=1"
    )
    assert done.returncode == 0, done


def test_a_run_with_modules_of_its_own_needs_trust(finished, tmp_path, monkeypatch):
    shutil.copytree(finished.root_dir / "policy", tmp_path / "policy")
    (tmp_path / "my_task.py").write_text("from environments import particle\n")
    monkeypatch.syspath_prepend(tmp_path)
    config = tmp_path / "operative_config.gin"
    config.write_text("import my_task\nTask.environment = @ParticleEnvironment\n")
    for command in ("ibc_agents.evaluate", "ibc_agents.plot_energy"):
        error = helpers.error_message(helpers.call(command, f"--policy={tmp_path}"))
        assert "imports my_task" in error and "--trust" in error and str(config) in error
    assert "my_task" not in sys.modules
    arguments = [f"--policy={tmp_path}", "--episodes=1", "--trust"]
    assert helpers.call("ibc_agents.evaluate", *arguments).returncode == 0
    assert "my_task" in sys.modules


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (
            ["--policy={empty}"],
            "{empty} is neither a SavedModel nor the root_dir of a finished run",
        ),
        (["--policy={run}", "--environment=prticle"], "'prticle'; choose from: "),
        (["--policy={run}", "--video={empty}/rollouts.avi"], "ends in .mp4 or .gif"),
        (["--policy={run}", "--gin_bindings=ParticleEnvironment.size=3"], "named 'size'"),
        (["--policy={run}", "--gin_bindings=ParticleEnvironment.dimension=99"], "at most 32"),
        (
            ["--policy={run}", "--gin_bindings=ParticleEnvironment.dimension=3"],
            "the policy {run}/policy does not fit the environment particle_3d: "
            "observation/pos_agent has shape (3,) against (2,)",
        ),
        (
            ["--policy={damaged}", "--environment=particle"],
            "the SavedModel {damaged}/policy cannot be read",
        ),
        (["--policy={other}", "--environment=particle"], "{other} is not a TF-Agents policy"),
        (
            ["--policy={run}", "--results={run}/results.json/new.json"],
            "cannot write {run}/results.json/new.json (",
        ),
        (["--policy={run}", "--video={run}/results.json/a.mp4"], "results.json/a.mp4 ("),
    ],
)
def test_wrong_flags_are_one_line_messages(finished, tmp_path, flags, problem):
    folders = {"run": finished.root_dir}
    for name in ("empty", "damaged", "other"):
        folders[name] = tmp_path / name
        folders[name].mkdir()
    (tmp_path / "damaged" / "policy").mkdir()
    model = (finished.root_dir / "policy" / "saved_model.pb").read_bytes()
    (tmp_path / "damaged" / "policy" / "saved_model.pb").write_bytes(model[:1000])
    if "{other}" in problem:
        tf.saved_model.save(tf.Module(), str(tmp_path / "other"))
    flags = [flag.format(**folders) for flag in flags]
    error = helpers.error_message(helpers.call("ibc_agents.evaluate", *flags))
    assert problem.format(**folders) in error, error
    assert helpers.files(tmp_path / "empty") == []
