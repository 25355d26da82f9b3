"""Human demonstrations of D4RL replay in our simulation."""

import os
import pathlib

import numpy as np
import pytest

import data
from environments import d4rl
from tests.system import helpers

FOLDER = pathlib.Path(
    os.environ.get("IBC_INTEROP_DATA", helpers.ROOT.parent / "shared" / "interop")
)
DOOR, KITCHEN = FOLDER / "d4rl" / "door-human-v0", FOLDER / "d4rl" / "kitchen-complete-v0"

pytestmark = [
    pytest.mark.interop,
    *(
        pytest.mark.skipif(
            not folder.is_dir(), reason=f"no such folder (IBC_INTEROP_DATA): {folder}"
        )
        for folder in (DOOR, KITCHEN)
    ),
]

# Return of each demonstration, from its recorded rewards.
DOOR_RETURNS = [510.45, 220.17, 735.71, 342.04, 822.82, -39.97]
DOOR_LENGTHS = [300, 300, 300, 300, 300, 200]


def door_demonstrations():
    """Returns observations, actions and rewards of each complete demonstration.

    D4RL splits demonstrations after 200 steps. The discount is 0 at the end of a demonstration,
    except for the last one of the shard.
    """
    pieces, demonstrations = [], []
    for episode in data.read_episodes(DOOR):
        pieces.append(episode.frames)
        if pieces[-1].discount[-1] == 0.0:
            demonstrations.append(pieces)
            pieces = []
    return [
        tuple(
            np.concatenate(parts)
            for parts in zip(*((p.observation, p.action, p.reward) for p in d))
        )
        for d in (*demonstrations, pieces)
    ]


@pytest.mark.parametrize("number", range(6))
def test_door_demonstration_replays_open_loop(number):
    """The result of the last action was not recorded."""
    observations, actions, rewards = door_demonstrations()[number]
    assert len(actions) == DOOR_LENGTHS[number]
    environment = d4rl.LongDoorEnvironment()  # demonstrations exceed the step limit of D4RL
    steps = [environment.reset_to(observations[0])]
    steps += [environment.step(action) for action in actions[:-1]]
    np.testing.assert_allclose(
        [step.observation for step in steps], observations, rtol=0.0, atol=1e-5
    )
    found = np.array([step.reward for step in steps[1:]], np.float64)
    np.testing.assert_allclose(found, rewards[:-1], rtol=0.0, atol=1e-6)
    assert found.sum() == pytest.approx(DOOR_RETURNS[number], abs=0.01)


@pytest.mark.parametrize("number", range(4))
def test_kitchen_demonstration_completes_all_four_tasks(number):
    """Actions are executed from the recorded joints, because the observation noise differs.

    The observations agree with the recording up to the noise of both.
    """
    frames = list(data.read_episodes(KITCHEN))[number].frames
    environment = d4rl.KitchenCompleteEnvironment()
    environment.seed(0)
    environment.reset_to(frames.observation[0])
    found = []
    for observation, action in zip(frames.observation, frames.action, strict=True):
        environment.observed_joints = observation[:9]
        found.append(environment.step(action))
        if found[-1].is_last():
            break
    assert environment.success and found[-1].discount == 0.0
    assert sum(step.reward for step in found) == 4.0
    # Rewards of the shard count completed subtasks, so increases are the completions.
    recorded = np.flatnonzero(np.diff(frames.reward) > 0.0)
    ours = np.flatnonzero([step.reward for step in found])
    assert np.max(np.abs(ours - recorded)) <= 1
    away = [step.observation for step in found] - frames.observation[1 : len(found) + 1]
    assert np.max(np.abs(away[:, :9])) < 0.021  # noise of 0.01 in theirs and 0.01 in ours
    assert np.max(np.abs(away[:, 9:30])) < 0.03
    np.testing.assert_array_equal(away[:, 30:], 0.0)
