"""Human demonstrations of Push-T replay in our simulation, and our images equal theirs."""

import os
import pathlib

import h5py
import numpy as np
import pytest

from environments.push_t import PushTEnvironment, geometry
from tests.system import helpers

FOLDER = pathlib.Path(
    os.environ.get("IBC_DEMONSTRATIONS", helpers.ROOT.parent / "shared" / "demonstrations")
)
FILE = FOLDER / "pusht" / "pusht_lowdim_robomimic.hdf5"

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(not FILE.is_file(), reason=f"no such file (IBC_DEMONSTRATIONS): {FILE}"),
]


@pytest.fixture(scope="module")
def demonstrations():
    with h5py.File(FILE) as file:
        return [
            {
                "agent_pos": episode["obs/agent_pos"][()],
                "block_pose": episode["obs/block_pose"][()],
                "keypoint": episode["obs/keypoint"][()],
                "action": episode["actions"][()],
                "score": episode["rewards"][()],
            }
            for episode in (file[f"data/demo_{k}"] for k in range(0, 206, 10))
        ]


def replay(demonstration, **options):
    environment = PushTEnvironment(**options)
    environment.seed(0)
    step = environment.reset_to(demonstration["agent_pos"][0], demonstration["block_pose"][0])
    steps = [step]
    for action in demonstration["action"][:-1]:
        steps.append(environment.step(action))
        if steps[-1].is_last():
            break
    return steps


def test_demonstrations_replay_open_loop(demonstrations):
    for demonstration in demonstrations:
        steps = replay(demonstration)
        length = len(steps)
        for name in ("agent_pos", "block_pose"):
            found = np.array([step.observation[name] for step in steps])
            np.testing.assert_allclose(found, demonstration[name][:length], rtol=0.0, atol=1e-3)
        # A recorded score belongs to the state after the action.
        best = np.cumsum([step.reward for step in steps[1:]])
        expected = np.maximum.accumulate(demonstration["score"][: length - 1])
        np.testing.assert_allclose(best, expected, rtol=0.0, atol=1e-5)


def test_keypoints_are_those_of_the_published_data(demonstrations):
    demonstration = demonstrations[0]
    for pose, points in zip(demonstration["block_pose"], demonstration["keypoint"], strict=True):
        ours = geometry.Pose(*pose.astype(np.float64)).transform(geometry.KEYPOINTS)
        assert np.max(np.abs(ours.ravel() - points)) < 0.1  # pixels
