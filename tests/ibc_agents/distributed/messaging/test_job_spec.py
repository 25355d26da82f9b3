"""A job specification survives its encoding, and other configurations are rejected."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import trajectory

from data.episodes import dataset_statistics
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import job_spec
from ibc_agents.runs import dataset_info as dataset_info_lib
from tests.ibc_agents import helpers

ADDRESS = "replay:1"
IMAGE = tf.TensorSpec((4, 4, 3), tf.uint8, "image")


def make_dataset_info(**changes):
    observation = {**helpers.OBSERVATION_SPEC, "image": IMAGE}
    step_type = tf.TensorSpec((), tf.int32, "step_type")
    number = tf.TensorSpec((), tf.float32, "number")
    spec = trajectory.Trajectory(
        step_type, observation, helpers.ACTION_SPEC, (), step_type, number, number
    )
    leaf = helpers.leaf_statistics(np.random.default_rng(0).normal(size=[50, 2]))
    of_observation = {"goal": leaf, "image": None, "position": leaf}
    dataset_info = dataset_info_lib.DatasetInfo(
        name="pushes",
        dataset_hash="ab" * 32,
        spec=spec,
        statistics=dataset_statistics.Statistics(of_observation, leaf),
        train_episodes=3,
        validation_episodes=1,
    )
    return dataclasses.replace(dataset_info, **changes)


CONFIGURATION = {"--seed": "0", "Adam.learning_rate": "0.003"}
JOB_ID = "ef" * 16


def make_job(dataset_info=None, configuration=None, agent=None, job_id=JOB_ID):
    return job_spec.JobSpec.from_agent(
        agent or helpers.make_mse_agent(),
        dataset_info or make_dataset_info(),
        CONFIGURATION if configuration is None else configuration,
        job_id,
    )


def test_a_decoded_job_is_equal():
    sent = dataclasses.replace(make_job(), partition=job_spec.Partition(1, 3))
    received = job_spec.JobSpec.from_message(sent.to_message())
    assert received.identity == sent.identity
    for field in ("configuration", "job_id", "window", "variables", "release", "partition"):
        assert getattr(received, field) == getattr(sent, field)
    theirs, ours = received.dataset_info, sent.dataset_info
    for field in ("name", "dataset_hash", "train_episodes", "validation_episodes"):
        assert getattr(theirs, field) == getattr(ours, field)
    tf.nest.assert_same_structure(theirs.spec, ours.spec)
    assert isinstance(theirs.spec.action, tensor_spec.BoundedTensorSpec)
    assert theirs.statistics.observation["image"] is None
    for name in ("goal", "position"):
        assert_equal(theirs.statistics.observation[name], ours.statistics.observation[name])
    assert_equal(theirs.statistics.action, ours.statistics.action)


def assert_equal(theirs, ours):
    for field in dataclasses.fields(ours):
        np.testing.assert_array_equal(getattr(theirs, field.name), getattr(ours, field.name))


def test_weights_may_differ():
    agent = helpers.make_mse_agent(seed=1)
    served = make_job(agent=helpers.make_mse_agent(seed=2))
    assert served.identity == make_job(agent=agent).identity
    served.check_compatible(ADDRESS, agent, CONFIGURATION)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (dict(release="9.9"), r"its release is 9\.9, the one of this process is"),
        (dict(window=3), "its window is 3, the one of this process is 2"),
        (
            dict(variables=["kernel:0 float32[9, 9]"]),
            r"the variable kernel:0 float32\[9, 9\], the one",
        ),
    ],
)
def test_rejects_another_configuration(change, difference):
    served = dataclasses.replace(make_job(), **change)
    assert served.identity != make_job().identity
    with pytest.raises(
        errors.RunError, match=f"replay:1 has another configuration: .*{difference}"
    ):
        served.check_compatible(ADDRESS, helpers.make_mse_agent(), CONFIGURATION)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"--seed": "1"}, "its --seed is 1, the one of this process is 0"),
        ({"Adam.learning_rate": "1"}, "its Adam.learning_rate is 1, the .* process is 0.003"),
        (
            {"Noise.max_stddev": "1"},
            "its Noise.max_stddev is 1, the .* process is not set",
        ),
    ],
)
def test_contract_distributed_job_rejects_other_settings(change, difference):
    served = make_job(configuration={**CONFIGURATION, **change})
    assert served.identity != make_job().identity
    with pytest.raises(errors.RunError, match=difference):
        served.check_compatible(ADDRESS, helpers.make_mse_agent(), CONFIGURATION)


def test_rejects_a_policy_with_more_variables():
    agent = helpers.make_mse_agent()
    served = make_job(agent=agent)
    served = dataclasses.replace(served, variables=served.variables[:-1])
    with pytest.raises(errors.RunError, match=r"variables, the one of this process \d+\."):
        served.check_compatible(ADDRESS, agent, CONFIGURATION)


def test_equal_settings_in_another_folder_are_another_job():
    assert make_job(job_id="ab" * 16).identity != make_job().identity


def test_another_dataset_is_another_job():
    other = make_dataset_info(dataset_hash="cd" * 32)
    assert make_job(other).identity != make_job().identity
