"""Recipes reach the success that the README states; each is a whole training, hence `slow`."""

import json

import pytest

from tests.system import helpers


@pytest.mark.slow
def test_implicit_policy_learns_the_particle(tmp_path):
    """The README's claim, at its own settings: at least 95 of 100 episodes."""
    done = helpers.call(
        "ibc_agents.train",
        "--gin_file=gin_configs/particle.gin",
        f"--root_dir={tmp_path / 'run'}",
        f"--data_dir={tmp_path / 'data'}",
    )
    assert done.returncode == 0, done.stderr
    success = json.loads((tmp_path / "run/results.json").read_text())["success"]
    assert success["episodes"] == 100
    assert success["rate"] >= 0.95
