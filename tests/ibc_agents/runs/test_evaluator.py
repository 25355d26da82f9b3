"""Evaluations of a run."""

import contextlib
import functools
from unittest import mock

import pytest
import tensorflow as tf

import data
from environments import particle
from ibc_agents import agents, networks
from ibc_agents.rollouts import evaluation
from ibc_agents.runs import evaluator, experiment, run_directory, settings, task, validation


def test_a_failing_landscape_is_not_reported_as_a_full_disk(tmp_path):
    landscape = mock.create_autospec(validation.HeldOutLandscape, instance=True)
    landscape.rasterize.side_effect = tf.errors.ResourceExhaustedError(None, None, "out of memory")
    logger = evaluator.Evaluator(
        run_directory.RunDirectory(tmp_path),
        None,
        lambda: pytest.fail("no environment is needed"),
        settings.EvaluationSettings(),
        landscape,
    )
    result = evaluation.Evaluation(0, (evaluation.Outcome(0, True, 1.0, 5),))
    with pytest.raises(tf.errors.ResourceExhaustedError, match="out of memory"):
        logger.log(result, 1)


class CountedNetwork(networks.MlpEnergyNetwork):
    """Counts the calls of the encoder, which are those of tracing."""

    calls = 0

    def encode(self, observation, training=False):
        self.calls += 1
        return super().encode(observation, training)


class CountedEnvironment(particle.ParticleEnvironment):
    """Counts the open instances and keeps the newest action; it has no faster form."""

    num_open = 0
    newest_action = None

    def __init__(self):
        super().__init__()
        CountedEnvironment.num_open += 1

    def close(self):
        CountedEnvironment.num_open -= 1

    def vectorized(self, batch_size):
        return None

    def _advance(self, action):
        CountedEnvironment.newest_action = action
        return super()._advance(action)


def test_all_evaluations_and_pictures_share_one_tracing(tmp_path):
    """TensorFlow keeps a part of the memory of every tracing."""
    network = CountedNetwork(width=8, depth=2)
    config = settings.EvaluationSettings(
        num_episodes=3, interval_episodes=2, batch_size=2, recorded_episodes=0
    )
    run = experiment.Experiment(
        tmp_path / "run",
        tmp_path,
        functools.partial(
            agents.ImplicitBCAgent,
            energy_network=network,
            optimizer=tf.keras.optimizers.Adam(),
            window=1,
        ),
        data.InMemorySource(),
        task.Task(particle.ParticleEnvironment, particle.ParticleDemonstrator),
        settings.DemonstrationSettings(num_episodes=2),
    )
    dataset = run.open_demonstrations()
    agent = run.make_agent(dataset)
    landscape = validation.HeldOutLandscape.from_dataset(agent, dataset)
    directory = run_directory.RunDirectory(tmp_path / "run")
    judged = evaluator.Evaluator(directory, agent.policy, CountedEnvironment, config, landscape)
    with contextlib.closing(judged):
        judged.evaluate_during_training(0)
        calls, num_open = network.calls, CountedEnvironment.num_open
        assert calls > 0 and num_open > 0
        action = CountedEnvironment.newest_action
        for variable in network.trainable_variables:
            variable.assign_add(tf.random.normal(variable.shape))
        judged.evaluate_during_training(1)
        assert (CountedEnvironment.newest_action != action).any()
        judged.evaluate_final(2)
        assert (network.calls, CountedEnvironment.num_open) == (calls, num_open)
    assert CountedEnvironment.num_open == 0
