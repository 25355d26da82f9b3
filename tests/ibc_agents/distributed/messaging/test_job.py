"""What a job is goes over the wire whole, and strangers are refused with a sentence."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import trajectory

from data.episodes import dataset_statistics as data_statistics
from ibc_agents.core import errors
from ibc_agents.distributed.messaging import job
from ibc_agents.runs import dataset_info, settings
from tests.ibc_agents import helpers

ADDRESS = "replay:1"
IMAGE = tf.TensorSpec((4, 4, 3), tf.uint8, "image")


def make_card(**changes):
    observation = {**helpers.OBSERVATION_SPEC, "picture": IMAGE}
    step_type = tf.TensorSpec((), tf.int32, "step_type")
    number = tf.TensorSpec((), tf.float32, "number")
    spec = trajectory.Trajectory(
        step_type, observation, helpers.ACTION_SPEC, (), step_type, number, number
    )
    leaf = helpers.leaf_statistics(np.random.default_rng(0).normal(size=[50, 2]))
    of_observation = {"goal": leaf, "picture": None, "position": leaf}
    card = dataset_info.DatasetCard(
        name="pushes",
        dataset_hash="ab" * 32,
        spec=spec,
        statistics=data_statistics.Statistics(of_observation, leaf),
        train_episodes=3,
        validation_episodes=1,
    )
    return dataclasses.replace(card, **changes)


def make_job(card=None, demonstrations=None, agent=None):
    return job.of(
        card or make_card(),
        demonstrations or settings.DemonstrationSettings(),
        agent or helpers.make_mse_agent(),
    )


def test_a_job_goes_over_the_wire_whole():
    sent = make_job()
    received = job.Job.from_message(sent.to_message())
    assert received.identity == sent.identity
    for field in ("choice", "window", "variables", "release"):
        assert getattr(received, field) == getattr(sent, field)
    card = received.card
    for field in ("name", "dataset_hash", "train_episodes", "validation_episodes"):
        assert getattr(card, field) == getattr(sent.card, field)
    tf.nest.assert_same_structure(card.spec, sent.card.spec)
    assert isinstance(card.spec.action, tensor_spec.BoundedTensorSpec)
    assert card.statistics.observation["picture"] is None
    ours, theirs = sent.card.statistics, card.statistics
    for name in ("goal", "position"):
        assert_equal(ours.observation[name], theirs.observation[name])
    assert_equal(ours.action, theirs.action)


def assert_equal(ours, theirs):
    for field in dataclasses.fields(ours):
        np.testing.assert_array_equal(getattr(ours, field.name), getattr(theirs, field.name))


def test_members_of_one_job_agree_whatever_their_weights():
    agent = helpers.make_mse_agent(seed=1)
    served = make_job(agent=helpers.make_mse_agent(seed=2))
    assert served.identity == make_job(agent=agent).identity
    elsewhere = settings.DemonstrationSettings(dataset="/another/mount", num_processes=3)
    served.admit(ADDRESS, elsewhere, agent)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (dict(release="9.9"), r"it is of release 9\.9, and this is"),
        (dict(window=3), "its agent sees 3 frames, and the one configured here 2"),
        (
            dict(variables=["kernel:0 float32[9, 9]"]),
            r"the variable kernel:0 float32\[9, 9\] where",
        ),
    ],
)
def test_a_stranger_is_refused(change, sentence):
    served = dataclasses.replace(make_job(), **change)
    assert served.identity != make_job().identity
    with pytest.raises(errors.RunError, match=f"The job at replay:1 is another one: .*{sentence}"):
        served.admit(ADDRESS, settings.DemonstrationSettings(), helpers.make_mse_agent())


def test_other_demonstrations_are_refused():
    served = make_job(demonstrations=settings.DemonstrationSettings(num_episodes=10))
    with pytest.raises(errors.RunError, match="num_episodes is 10, and here it is 2000"):
        served.admit(ADDRESS, settings.DemonstrationSettings(), helpers.make_mse_agent())


def test_a_larger_policy_is_refused():
    agent = helpers.make_mse_agent()
    served = make_job(agent=agent)
    served = dataclasses.replace(served, variables=served.variables[:-1])
    with pytest.raises(errors.RunError, match="variables, and the one configured here"):
        served.admit(ADDRESS, settings.DemonstrationSettings(), agent)


def test_another_dataset_is_another_job():
    assert make_job(make_card(dataset_hash="cd" * 32)).identity != make_job().identity
