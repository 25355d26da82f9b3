"""The environments that the conformance suite looks at, and what its modules share.

To put a new environment through the suite, add one line to `ENVIRONMENTS`, and for its
demonstrator one to `DEMONSTRATORS`. A factory whose simulator may not be installed imports it
itself, with `pytest.importorskip`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from environments.base import Environment
from environments.block_pushing import BlockPushingEnvironment, demonstrators, tasks
from environments.particle import ParticleDemonstrator, ParticleEnvironment
from tests.conformance.drift_environment import DriftEnvironment

ENVIRONMENTS: dict[str, Callable[[], Environment]] = {
    "drift": DriftEnvironment,
    "particle_2d": ParticleEnvironment,
    "particle_1d": functools.partial(ParticleEnvironment, 1),
    "particle_32d": functools.partial(ParticleEnvironment, 32),
    "particle_hidden_velocity": functools.partial(ParticleEnvironment, hide_velocity=True),
    "particle_either_goal_first": functools.partial(ParticleEnvironment, either_goal_first=True),
    "particle_wait": functools.partial(ParticleEnvironment, 3, wait_at_first_goal=5),
    "pushing": BlockPushingEnvironment,
    "pushing_pixels": functools.partial(
        BlockPushingEnvironment, image_size=(9, 12), observe_states=False
    ),
    "pushing_states_and_pixels": functools.partial(BlockPushingEnvironment, image_size=(12, 16)),
    "pushing_reach": functools.partial(BlockPushingEnvironment, tasks.Reach()),
    "pushing_discontinuous": functools.partial(BlockPushingEnvironment, tasks.Discontinuous()),
    "pushing_multimodal": functools.partial(BlockPushingEnvironment, tasks.Multimodal()),
}

# Environments that have a demonstrator: how to make it from a single or vector environment.
DEMONSTRATORS: dict[str, Callable[[Any], Any]] = {
    "particle_2d": ParticleDemonstrator,
    "particle_32d": ParticleDemonstrator,
    "particle_hidden_velocity": ParticleDemonstrator,
    "particle_either_goal_first": ParticleDemonstrator,
    "particle_wait": ParticleDemonstrator,
    "pushing": demonstrators.SingleTargetDemonstrator,
    "pushing_pixels": demonstrators.SingleTargetDemonstrator,
    "pushing_reach": demonstrators.ReachDemonstrator,
    "pushing_discontinuous": demonstrators.DiscontinuousDemonstrator,
    "pushing_multimodal": functools.partial(
        demonstrators.MultimodalDemonstrator, action_noise=0.002
    ),
}

Act = Callable[[Any, np.random.Generator], Any]


def random_action(environment: Any, rng: np.random.Generator) -> Any:
    return tf.nest.map_structure(
        lambda spec: rng.uniform(spec.minimum, spec.maximum, spec.shape).astype(spec.dtype),
        environment.action_spec(),
    )


def extreme_action(environment: Any, rng: np.random.Generator) -> Any:
    """Every element at one of its bounds, new at every step."""

    def choose(spec: Any) -> np.ndarray:
        high = rng.random(spec.shape) < 0.5
        return np.where(high, spec.maximum, spec.minimum).astype(spec.dtype)

    return tf.nest.map_structure(choose, environment.action_spec())


def lower_bound_action(environment: Any, rng: np.random.Generator) -> Any:
    del rng
    return tf.nest.map_structure(
        lambda spec: np.broadcast_to(spec.minimum, spec.shape).astype(spec.dtype),
        environment.action_spec(),
    )


def upper_bound_action(environment: Any, rng: np.random.Generator) -> Any:
    del rng
    return tf.nest.map_structure(
        lambda spec: np.broadcast_to(spec.maximum, spec.shape).astype(spec.dtype),
        environment.action_spec(),
    )


def episode(environment: Environment, act: Act, action_seed: int = 0) -> list[Any]:
    """The time steps of the next episode."""
    rng = np.random.default_rng(action_seed)
    steps = [environment.reset()]
    while not steps[-1].is_last():
        assert len(steps) <= environment.max_episode_steps
        steps.append(environment.step(act(environment, rng)))
    return steps


def assert_equal(left: Any, right: Any) -> None:
    """Bit-equal nests of arrays."""
    for a, b in zip(tf.nest.flatten(left), tf.nest.flatten(right), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def row_of(time_step: Any, row: int) -> Any:
    return tf.nest.map_structure(lambda value: np.asarray(value[row]), time_step)
