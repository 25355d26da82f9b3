"""The agent in pipelines that consist of parts of TF-Agents."""

import importlib.util
import pathlib

import numpy as np
import pytest
import reverb
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.environments import py_environment
from tf_agents.policies import py_policy, py_tf_eager_policy
from tf_agents.replay_buffers import (
    reverb_replay_buffer,
    reverb_utils,
    tf_uniform_replay_buffer,
)
from tf_agents.specs import array_spec, tensor_spec
from tf_agents.train import actor, learner
from tf_agents.train.utils import spec_utils
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts
from tf_agents.utils import nest_utils

from ibc_agents import agents, networks, policies
from ibc_agents.core import normalizer

SCRIPT = pathlib.Path(__file__).parents[2] / "docs" / "tf_agents_pipeline.py"
STEPS = 5


class Echo(py_environment.PyEnvironment):
    """Observes random numbers in [−3, 5]; the target is half the number `delay` frames ago."""

    def __init__(self, delay, seed):
        super().__init__()
        self._delay, self._rng, self.errors = delay, np.random.default_rng(seed), []

    def observation_spec(self):
        return array_spec.BoundedArraySpec((1,), np.float32, -3.0, 5.0, "number")

    def action_spec(self):
        return array_spec.BoundedArraySpec((1,), np.float32, -3.0, 5.0, "echo")

    @property
    def wanted(self):
        return 0.5 * self._shown[max(0, len(self._shown) - 1 - self._delay)]

    def _show(self):
        self._shown.append(self._rng.uniform(-3, 5, 1).astype(np.float32))
        return self._shown[-1]

    def _reset(self):
        self._shown = []
        return ts.restart(self._show())

    def _step(self, action):
        if self._current_time_step.is_last():
            return self.reset()
        self.errors.append(abs(float(action[0] - self.wanted[0])))
        if len(self._shown) == STEPS:
            return ts.termination(self._show(), 0.0)
        return ts.transition(self._show(), 0.0)


class Expert(py_policy.PyPolicy):
    """Returns the target action, and an arbitrary action at the last frame."""

    def __init__(self, environment):
        super().__init__(environment.time_step_spec(), environment.action_spec())
        self._environment = environment

    def _action(self, time_step, policy_state, seed=None):
        wanted = self._environment.wanted
        return policy_step.PolicyStep(-wanted if time_step.is_last() else wanted, (), ())


def collect(environment, policy, episodes, observers):
    counter = tf.Variable(0, dtype=tf.int64)
    actor.Actor(environment, policy, counter, episodes_per_run=episodes, observers=observers).run()


def uniform_replay_buffer(data_spec, window):
    """TF-Agents' buffer in memory: (observer, make_dataset)."""
    replay_buffer = tf_uniform_replay_buffer.TFUniformReplayBuffer(data_spec, 1, max_length=2000)
    return (
        lambda frame: replay_buffer.add_batch(nest_utils.batch_nested_array(frame)),
        lambda: replay_buffer.as_dataset(sample_batch_size=64, num_steps=window),
    )


def reverb_buffer(data_spec, window):
    """TF-Agents' buffer over a Reverb server: (observer, make_dataset)."""
    table = reverb.Table(
        "windows",
        sampler=reverb.selectors.Uniform(),
        remover=reverb.selectors.Fifo(),
        max_size=2000,
        rate_limiter=reverb.rate_limiters.MinSize(1),
        signature=tensor_spec.add_outer_dim(data_spec),
    )
    replay_buffer = reverb_replay_buffer.ReverbReplayBuffer(
        data_spec, "windows", window, local_server=reverb.Server([table])
    )
    return (
        reverb_utils.ReverbAddTrajectoryObserver(replay_buffer.py_client, "windows", window),
        lambda: replay_buffer.as_dataset(sample_batch_size=64, num_steps=window),
    )


@pytest.mark.parametrize(
    ("window", "make_buffer"),
    [(1, uniform_replay_buffer), (2, uniform_replay_buffer), (2, reverb_buffer)],
    ids=["window_1_uniform", "window_2_uniform", "window_2_reverb"],
)
def test_learns_and_acts_with_tf_agents_parts_only(tmp_path, window, make_buffer):
    """With window 2 the target is in the previous frame, and at FIRST in the frame itself."""
    environment = Echo(delay=window - 1, seed=1)
    observation_spec, action_spec, time_step_spec = spec_utils.get_tensor_specs(environment)
    expert = Expert(environment)
    observer, make_dataset = make_buffer(tensor_spec.from_spec(expert.collect_data_spec), window)
    frames = []
    collect(environment, expert, 100, [observer, frames.append])
    assert len(frames) == 100 * (STEPS + 1) and max(environment.errors) == 0

    train_step = tf.Variable(0, dtype=tf.int64)
    tf.keras.utils.set_random_seed(0)
    agent = agents.ImplicitBCAgent(
        time_step_spec,
        action_spec,
        normalizer.Normalizer.from_dataset(frames, observation_spec, action_spec),
        networks.MlpEnergyNetwork(width=32, depth=2),
        tf.keras.optimizers.Adam(5e-3),
        window=window,
        counter_examples=agents.CounterExamples(number=64),
        policy_search=policies.PolicySearch(number=256),
        train_step_counter=train_step,
    )
    trainer = learner.Learner(
        str(tmp_path), train_step, agent, make_dataset, summary_interval=0, checkpoint_interval=300
    )
    loss_info = trainer.run(iterations=300)
    assert isinstance(loss_info, tf_agent.LossInfo)
    assert train_step.numpy() == 300 and agent.skipped_steps.numpy() == 0
    assert tf.train.latest_checkpoint(str(tmp_path / "train" / "checkpoints")) is not None

    trial = Echo(delay=window - 1, seed=2)
    policy = py_tf_eager_policy.PyTFEagerPolicy(agent.policy, use_tf_function=True)
    collect(trial, policy, 10, [])
    guessing = 1.0  # the mean error of the constant action 0.5
    assert len(trial.errors) == 10 * STEPS
    assert np.mean(trial.errors) < 0.2 * guessing


def load_script():
    spec = importlib.util.spec_from_file_location("tf_agents_pipeline", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.mark.parametrize("window", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_the_script_of_the_documentation(tmp_path, monkeypatch, window):
    """It exports a policy for unnormalized observations and actions."""
    script = load_script()
    # Three steps train nothing. If all episodes succeed, the script must report 1.
    monkeypatch.setattr(script.particle.ParticleEnvironment, "success", property(lambda _: True))
    success = script.main(
        demonstrations=2, steps=3, evaluations=2, window=window, root_dir=str(tmp_path)
    )
    assert success == 1.0

    saved = py_tf_eager_policy.SavedModelPyTFEagerPolicy(
        str(tmp_path / "policy"), load_specs_from_pbtxt=True
    )
    environment = script.particle.ParticleEnvironment(dimension=2)
    action = saved.action(environment.reset(), saved.get_initial_state(1)).action
    assert array_spec.check_arrays_nest(action, environment.action_spec())


@pytest.mark.slow
def test_the_script_of_the_documentation_learns(tmp_path):
    """A policy that succeeds by chance in 5 % of episodes reaches 5 of 20 with p = 0.003."""
    assert load_script().main(root_dir=str(tmp_path)) >= 0.25


def test_the_script_of_the_documentation_is_short():
    assert len(SCRIPT.read_text(encoding="utf-8").splitlines()) <= 80
