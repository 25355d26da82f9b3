"""Output and files of `python -m ibc_agents.train`."""

import json
import re
import subprocess
from unittest import mock

import gin
import imageio.v2 as imageio
import numpy as np
import pytest

from ibc_agents.cli import gin_files
from ibc_agents.rollouts import confidence_intervals
from ibc_agents.runs import experiment, run_directory
from tests.system import helpers

OF_EVERY_STEP = {
    "loss",
    "conditional_nce_loss",
    "demonstration_energy",
    "counter_example_energy",
    "top1_accuracy",
}


def pieces(text):
    """Returns the successive contents of the terminal line, which a progress bar overwrites."""
    return [piece.strip() for piece in re.split("[\r\n]", text) if piece.strip()]


def test_prints_its_own_lines_and_nothing_else(finished):
    assert finished.done.returncode == 0, finished.done
    success = finished.results["success"]
    lines = finished.done.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"success {success['successes']}/4 = ")
    assert lines[1] == f"all files are in {finished.root_dir}"
    for piece in pieces(finished.done.stderr):
        assert piece.startswith(("demonstrations:", "particle_2d_20:")), piece


def test_progress_bar_shows_step_loss_rate_eta_and_success(finished):
    shown = pieces(finished.done.stderr)
    assert any("20/20" in piece for piece in shown if piece.startswith("demonstrations:"))
    last = [piece for piece in shown if piece.startswith("particle_2d_20:")][-1]
    line = (
        r"100%.* 800/800 \[\d\d:\d\d<00:00, +[\d.]+step/s, loss [\d.]+, "
        r"success (0|50|100)%, return [\d.]+\]"
    )
    assert re.search(line, last), last


def test_root_dir_holds_the_files_of_a_run(finished):
    assert [path.name for path in sorted(finished.root_dir.iterdir())] == [
        "acceleration.json",
        "dataset.json",
        "energy_landscape.png",
        "evaluation",
        "operative_config.gin",
        "policy",
        "results.json",
        "rollouts.mp4",
        "settings.json",
        "train",
        "validation",
    ]
    assert helpers.checkpointed_step(finished.root_dir) == finished.STEPS
    image = imageio.imread(finished.root_dir / "energy_landscape.png")
    assert np.ptp(image[..., :3].reshape(-1, 3), axis=0).min() > 100  # more than one color
    # One episode: its first frame, one for each of 50 actions, and 10 times the last again.
    assert imageio.get_reader(finished.root_dir / "rollouts.mp4").count_frames() == 61


def test_results_have_outcomes_and_provenance(finished):
    results = finished.results
    outcomes = results["episodes"]
    assert [outcome["episode"] for outcome in outcomes] == [0, 1, 2, 3]
    assert all(outcome["steps"] == 50 for outcome in outcomes)
    successes = sum(outcome["success"] for outcome in outcomes)
    assert results["success"] == {
        "rate": successes / 4,
        "interval": list(confidence_intervals.wilson_interval(successes, 4)),
        "confidence": 0.95,
        "successes": successes,
        "episodes": 4,
    }
    assert results["evaluation_seed"] == 5
    assert results["seed"] == finished.SEED
    assert results["train_steps"] == finished.STEPS
    assert results["resumed_at_step"] == results["skipped_steps"] == 0
    manifest = json.loads((finished.dataset / "manifest.json").read_text())
    assert results["dataset"]["hash"] == manifest["dataset_hash"]
    split = results["dataset"]["train_episodes"], results["dataset"]["validation_episodes"]
    assert sum(split) == helpers.EPISODES and min(split) > 0
    (choices,) = results["acceleration"]  # Those of one process.
    assert choices.keys() == {"from_step", "blocks"} and choices["from_step"] == 0
    assert results["versions"]["tensorflow"].startswith("2.15.")
    assert 0 < results["wall_time_s"]["data_and_training"] < results["wall_time_s"]["total"]
    tracked = _git("ls-files", "ibc_agents/runs/provenance.py")
    head = _git("rev-parse", "HEAD") if tracked else None
    assert (results["git_revision"] or "None").removesuffix("-dirty") == str(head)


def _git(*arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=helpers.ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def test_tensorboard_has_the_scalars_of_both_splits(finished):
    train = helpers.scalars(finished.root_dir / "train")
    assert OF_EVERY_STEP | {"gradient_norm", "skipped_steps"} <= set(train)
    for tag in OF_EVERY_STEP | {"gradient_norm"}:
        assert sorted(train[tag]) == list(range(0, finished.STEPS, 100)), tag
    validation = helpers.scalars(finished.root_dir / "validation")
    assert set(validation) == OF_EVERY_STEP | {"gradient_norm"}
    for tag in OF_EVERY_STEP | {"gradient_norm"}:
        assert sorted(validation[tag]) == [200, 400, 600, 800], tag
    # It learns: held-out demonstrations are distinguished from actions near them.
    assert min(list(train["loss"].values())[-3:]) < train["loss"][0]
    assert validation["conditional_nce_loss"][800] < 0.9 * train["conditional_nce_loss"][0]
    evaluated = helpers.scalars(finished.root_dir / "evaluation")
    assert evaluated["success"] == {800: finished.results["success"]["rate"]}
    assert evaluated["return"][800] == pytest.approx(finished.results["return"]["mean"])
    for name in ("success", "return"):
        assert sorted(evaluated[f"{name}_while_training"]) == [400]


def test_tensorboard_shows_the_energy_as_it_sharpens(finished):
    shown = helpers.images(finished.root_dir / "evaluation")
    assert set(shown) == {"energy_landscape"}
    images = shown["energy_landscape"]
    assert sorted(images) == [400, 800]
    assert images[400].shape == images[800].shape
    assert (images[400] != images[800]).any(axis=-1).mean() > 0.02
    assert np.ptp(images[400].reshape(-1, 3), axis=0).min() > 100


def test_contract_experiment_operative_config_describes_the_run(finished):
    gin_files.parse_gin([str(finished.root_dir / "operative_config.gin")], [])
    from_operative = experiment.Experiment.from_gin("run", "data")
    gin.clear_config()
    given = finished.arguments(finished.root_dir)
    values = [flag.partition("=")[2] for flag in given if flag.startswith("--gin_bindings")]
    gin_files.parse_gin(["gin_configs/particle.gin"], values)
    as_given = experiment.Experiment.from_gin("run", "data")
    for part in ("demonstrations", "training", "evaluation"):
        assert getattr(from_operative, part) == getattr(as_given, part)
    for part in ("environment", "demonstrator"):
        assert getattr(from_operative.task, part) is getattr(as_given.task, part) is not None
    assert type(from_operative.source) is type(as_given.source)
    assert from_operative.training.num_steps == finished.STEPS


@pytest.fixture(scope="module")
def without_environment(finished, tmp_path_factory):
    """A run from a dataset without an environment, through Reverb, and its output."""
    folder = tmp_path_factory.mktemp("without_environment")
    (folder / "alone.gin").write_text(
        "include 'gin_configs/tasks/particle.gin'\n"
        "include 'gin_configs/methods/mse.gin'\n"
        "Task.environment = None\n"
        f"DemonstrationSettings.dataset = '{finished.dataset}'\n"
    )
    arguments = [
        f"--gin_file={folder / 'alone.gin'}",
        f"--root_dir={folder / 'run'}",
        f"--data_dir={folder / 'data'}",
        *helpers.bindings("num_steps=20", *helpers.SMALL),
    ]
    return folder, arguments, helpers.run("ibc_agents.train", *arguments, folder=folder)


def test_contract_experiment_trains_from_a_dataset_alone(without_environment):
    folder, _, done = without_environment
    assert done.returncode == 0, done
    assert done.stdout.splitlines()[0] == "no environment; the evaluation is skipped"
    results = json.loads((folder / "run" / "results.json").read_text())
    assert results["train_steps"] == 20
    assert "success" not in results
    assert (folder / "run" / "policy" / "saved_model.pb").exists()
    assert not (folder / "data").exists()


def test_reverb_prints_nothing(without_environment):
    _, _, done = without_environment
    for piece in pieces(done.stderr):
        assert piece.startswith("particle_2d_20:"), piece


def test_reverb_run_resumes_from_its_checkpoint(without_environment, monkeypatch):
    monkeypatch.setattr(run_directory.RunDirectory, "export_policy", mock.Mock())
    folder, arguments, _ = without_environment
    before = helpers.checkpoint_values(folder / "run", 20)
    done = helpers.call("ibc_agents.train", *arguments, *helpers.bindings("num_steps=24"))
    assert done.returncode == 0, done
    results = json.loads((folder / "run" / "results.json").read_text())
    assert (results["resumed_at_step"], results["train_steps"]) == (20, 24)
    after = helpers.checkpoint_values(folder / "run", 24)
    changes = [after[name] - before[name] for name in before if "_projection/kernel" in name]
    largest_change = max(np.max(np.abs(change)) for change in changes)
    # Four steps of Adam at a rate of 1e-3 cannot change weights more; new weights would differ.
    assert 0 < largest_change < 4 * 2e-3


@pytest.mark.parametrize("command", ["train", "evaluate", "collect", "plot_energy"])
def test_help_lists_every_flag_and_exits_with_0(command, tmp_path):
    done = helpers.run(f"ibc_agents.{command}", "--help", folder=tmp_path)
    assert done.returncode == 0
    wanted = {
        "train": {"root_dir", "data_dir", "seed"},
        "evaluate": {"policy", "episodes", "seed", "batch_size", "video", "results", "environment"}
        | {"gui", "video_episodes"},
        "collect": {"environment", "episodes", "out", "seed", "processes"},
        "plot_energy": {"policy", "episode", "frame", "out", "rollout", "seed", "dimensions"}
        | {"hold", "samples", "paths", "resolution", "data_dir"},
    }[command] | {"gin_file", "gin_bindings"}
    assert wanted <= set(re.findall(r"^  --(?:\[no\])?(\w+):", done.stdout, re.MULTILINE))
    assert f"python -m ibc_agents.{command}" in done.stdout
    assert done.stderr == ""


def test_another_seed_gives_other_weights(finished, tmp_path, monkeypatch):
    """test_resume checks that equal seeds give equal weights."""
    monkeypatch.setattr(run_directory.RunDirectory, "export_policy", mock.Mock())
    weights = []
    for seed in (0, 1):
        root_dir = tmp_path / str(seed)
        values = (
            helpers.IN_MEMORY,
            "Task.environment=None",
            f"DemonstrationSettings.dataset='{finished.dataset}'",
        )
        arguments = helpers.small_run(root_dir, finished.data_dir, 1, *values, method="mse")
        done = helpers.call("ibc_agents.train", *arguments, f"--seed={seed}")
        assert done.returncode == 0, done
        learned = helpers.checkpoint_values(root_dir, 1)
        weights.append(next(v for name, v in learned.items() if "_projection/kernel" in name))
    # One step of Adam moves no weight by more than 1e-3.
    assert np.max(np.abs(weights[0] - weights[1])) > 0.1
