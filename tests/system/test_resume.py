"""An interrupted run continues from its last checkpoint and ends as an uninterrupted one."""

import json
import pathlib
import re
import shutil
import signal
from unittest import mock

import numpy as np
import pytest

from ibc_agents.runs import run_directory
from tests.system import helpers


@pytest.mark.slow
def test_killed_run_ends_as_an_uninterrupted_one(finished, tmp_path):
    """Ctrl-C after the first checkpoint, kill -9 after another one, then to the end."""
    root_dir = tmp_path / "run"
    at_first = interrupt(finished, root_dir, after=0)
    process = helpers.start("ibc_agents.train", *finished.arguments(root_dir), folder=tmp_path)
    helpers.wait_until(lambda: helpers.checkpointed_step(root_dir) > at_first, process)
    process.kill()
    helpers.finish(process)
    at_second = helpers.checkpointed_step(root_dir)
    assert at_first < at_second < finished.STEPS
    assert not (root_dir / "results.json").exists()
    done = helpers.run("ibc_agents.train", *finished.arguments(root_dir), folder=tmp_path)
    check_end(finished, root_dir, at_second, done)


def test_interrupted_run_ends_as_an_uninterrupted_one(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(run_directory.RunDirectory, "export_policy", mock.Mock())
    root_dir = tmp_path / "run"
    step = interrupt(finished, root_dir, after=0, number=signal.SIGTERM)
    done = helpers.call("ibc_agents.train", *finished.arguments(root_dir))
    check_end(finished, root_dir, step, done)


def interrupt(finished, root_dir, after, number=signal.SIGINT):
    """Starts a run and interrupts it after a checkpoint; returns the step of the newest one.

    Signals arrive between checkpoints, because training has continued by then.
    """
    folder = root_dir.parent
    process = helpers.start("ibc_agents.train", *finished.arguments(root_dir), folder=folder)
    helpers.wait_until(lambda: helpers.checkpointed_step(root_dir) > after, process)
    process.send_signal(number)
    interrupted = helpers.finish(process)
    assert interrupted.returncode == 128 + number, interrupted
    message = "interrupted; the same command continues from the last checkpoint"
    assert interrupted.stdout.strip() == message
    assert only_progress(interrupted.stderr)
    step = helpers.checkpointed_step(root_dir)
    assert step < finished.STEPS
    return step


def check_end(finished, root_dir, step, done):
    """Checks that a run that resumed at a step ended with the very weights of the finished run."""
    assert done.returncode == 0, done
    assert only_progress(done.stderr)
    assert "demonstrations:" not in done.stderr  # they are reused
    results = json.loads((root_dir / "results.json").read_text())
    assert results["resumed_at_step"] == step
    assert results["episodes"] == finished.results["episodes"]
    # Agent, optimizer, step and normalizer are equal bit for bit.
    ours, theirs = (
        helpers.checkpoint_values(folder, finished.STEPS)
        for folder in (root_dir, finished.root_dir)
    )
    assert ours.keys() == theirs.keys()
    different = [name for name in ours if not np.array_equal(ours[name], theirs[name])]
    assert not different
    parts = "_energy_network", "_normalizer", "_update/optimizer", "_update/skipped", "train_step"
    for part in parts:
        assert any(part in name for name in ours), part


def only_progress(stderr):
    pieces = [piece.strip() for piece in re.split("[\r\n]", stderr) if piece.strip()]
    return all(piece.startswith(("demonstrations:", "particle_2d_20:")) for piece in pieces)


@pytest.fixture
def copy(finished, tmp_path) -> pathlib.Path:
    """Copies the finished run."""
    return shutil.copytree(finished.root_dir, tmp_path / "run")


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_changed_dataset_is_an_error_and_changes_nothing(finished, copy, tmp_path):
    other = tmp_path / "data" / "particle_2d_20"
    collect = ["--environment=particle", "--episodes=20", "--seed=1", f"--out={other}"]
    assert helpers.call("ibc_agents.collect", *collect).returncode == 0
    before = contents(copy)
    arguments = finished.arguments(copy, "DemonstrationSettings.seed=1")
    done = helpers.call("ibc_agents.train", *arguments, f"--data_dir={tmp_path / 'data'}")
    error = helpers.error_message(done)
    hashes = [
        json.loads((folder / "manifest.json").read_text())["dataset_hash"]
        for folder in (finished.dataset, other)
    ]
    assert str(copy) in error and all(name[:12] in error for name in hashes), error
    assert contents(copy) == before


def test_demonstrations_of_another_seed_are_an_error(finished, tmp_path):
    arguments = finished.arguments(tmp_path / "run", "DemonstrationSettings.seed=1")
    error = helpers.error_message(helpers.call("ibc_agents.train", *arguments))
    assert str(finished.dataset) in error and "with seed 0, not 1" in error


@pytest.mark.parametrize(
    ("flag", "difference"),
    [
        ("--gin_bindings=MlpEncoder.width=8", "encoder/MlpEncoder.width was 16, is 8"),
        ("--gin_bindings=Normalizer.margin=0.2", "Normalizer.margin was 0.05, is 0.2"),
        ("--seed=4", "seed was 3, is 4"),
    ],
)
def test_other_settings_are_an_error_and_change_nothing(finished, copy, flag, difference):
    before = contents(copy)
    done = helpers.call("ibc_agents.train", *finished.arguments(copy), flag)
    assert f"{copy} began with other settings: {difference}. Use" in helpers.error_message(done)
    assert contents(copy) == before


def test_damaged_checkpoint_costs_its_interval_only(finished, copy, monkeypatch):
    monkeypatch.setattr(run_directory.RunDirectory, "export_policy", mock.Mock())
    folder = copy / helpers.CHECKPOINTS
    (damaged,) = folder.glob(f"ckpt-{finished.STEPS}.data*")
    damaged.write_bytes(damaged.read_bytes()[:100])
    done = helpers.call("ibc_agents.train", *finished.arguments(copy))
    previous = finished.STEPS - finished.INTERVAL
    message = f"continuing from the newest whole checkpoint, ckpt-{previous}"
    assert message in done.stdout
    check_end(finished, copy, previous, done)


def test_finished_run_is_not_trained_again_without_its_checkpoints(finished, copy):
    """Whatever is lost: every file that names or lists a checkpoint, or all of them."""
    folder = copy / helpers.CHECKPOINTS
    for lost in ("*.index", "ckpt-*", "*"):
        for path in folder.glob(lost):
            path.unlink()
        before = contents(copy)
        error = helpers.error_message(helpers.call("ibc_agents.train", *finished.arguments(copy)))
        assert "--root_dir" in error and str(copy) in error
        after = contents(copy)
        assert all(after[path] == data for path, data in before.items())
