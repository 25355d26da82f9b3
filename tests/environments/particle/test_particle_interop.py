"""Episodes of the reference implementation agree with our particle."""

import os
import pathlib

import numpy as np
import pytest
from tf_agents.specs import array_spec
from tf_agents.utils import example_encoding_dataset

from environments.particle import ParticleDemonstrator, ParticleEnvironment, dynamics

ROOT = pathlib.Path(__file__).parents[3]
FOLDER = pathlib.Path(os.environ.get("IBC_INTEROP_DATA", ROOT.parent / "shared" / "interop"))
SHARD = FOLDER / "particle" / "2d_oracle_particle.tfrecord"

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(not SHARD.exists(), reason=f"no such shard (IBC_INTEROP_DATA): {SHARD}"),
]


@pytest.fixture(scope="module")
def episodes():
    """The episodes of the shard, as lists of frames."""
    frames = example_encoding_dataset.load_tfrecord_dataset(
        [str(SHARD)], as_trajectories=True, add_batch_dim=False
    )
    cut: list[list] = []
    for frame in frames.as_numpy_iterator():
        if frame.step_type == 0:
            cut.append([])
        cut[-1].append(frame)
    assert [len(episode) for episode in cut] == [51] * 10
    return cut


def test_frames_satisfy_our_specs(episodes):
    environment = ParticleEnvironment()
    for frame in sum(episodes, []):
        assert array_spec.check_arrays_nest(frame.observation, environment.observation_spec())
        assert array_spec.check_arrays_nest(frame.action, environment.action_spec())


def test_our_dynamics_follow_their_actions(episodes):
    """The simulation is open loop from the first frame of each episode."""
    for episode in episodes:
        position = episode[0].observation["pos_agent"].astype(np.float64)
        velocity = episode[0].observation["vel_agent"].astype(np.float64)
        for frame, after in zip(episode[:-1], episode[1:], strict=True):
            position, velocity = dynamics.simulate(position, velocity, frame.action)
            np.testing.assert_allclose(position, after.observation["pos_agent"], atol=2e-6)
            np.testing.assert_allclose(velocity, after.observation["vel_agent"], atol=2e-6)


def test_our_demonstrator_agrees_with_theirs(episodes, monkeypatch):
    environment = ParticleEnvironment()
    environment.reset()
    demonstrator = ParticleDemonstrator(environment)
    for episode in episodes:
        state = ()
        for frame in episode[:-1]:
            step = environment.current_time_step()._replace(
                step_type=frame.step_type, observation=frame.observation
            )
            monkeypatch.setattr(ParticleEnvironment, "states", frame.observation)
            action, state, _ = demonstrator.action(step, state)
            np.testing.assert_array_equal(action, frame.action)


def test_rewards_and_discounts_equal_ours(episodes):
    """Reward 1 and discount 0 are on the transition to the last frame of a success."""
    for episode in episodes:
        rewards = [float(frame.reward) for frame in episode[:-1]]
        discounts = [float(frame.discount) for frame in episode[:-1]]
        assert rewards == [0.0] * 49 + [1.0]
        assert discounts == [1.0] * 49 + [0.0]
