"""Descriptions of environments."""

import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import trajectory

from environments.particle import ParticleDemonstrator, ParticleEnvironment
from ibc_agents.rollouts import environment_info
from tests.conformance import drift_environment


def describe(make_environment, make_demonstrator=None):
    return environment_info.EnvironmentInfo.from_factory(make_environment, make_demonstrator)


def test_describes_name_specs_and_demonstrator():
    info = describe(ParticleEnvironment, ParticleDemonstrator)
    environment = ParticleEnvironment()
    assert (info.name, info.demonstrator_name) == ("particle_2d", "ParticleDemonstrator")
    assert info.time_step_spec == tensor_spec.from_spec(environment.time_step_spec())
    assert info.action_spec == tensor_spec.from_spec(environment.action_spec())
    assert info.has_vector_form
    assert describe(ParticleEnvironment).demonstrator_name is None


def test_knows_which_environments_have_a_vector_form():
    assert not describe(drift_environment.DriftEnvironment).has_vector_form


def test_frames_must_have_the_shapes_and_may_have_other_bounds():
    info = describe(ParticleEnvironment)
    scalar = tf.TensorSpec([], tf.int32)
    frame = trajectory.Trajectory(
        scalar, info.time_step_spec.observation, info.action_spec, (), scalar, scalar, scalar
    )
    assert info.spec_difference(frame) is None
    assert info.spec_difference(frame._replace(action=tf.TensorSpec([2], tf.float32))) is None
    assert "action" in info.spec_difference(frame._replace(action=tf.TensorSpec([3], tf.float32)))
