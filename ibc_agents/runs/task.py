"""What a policy is to do, and who shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import gin
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import trajectory

from data.episodes import specs
from environments import base
from ibc_agents.rollouts import collection


@gin.configurable
@dataclasses.dataclass(frozen=True)
class Task:
    """An environment and its demonstrator, as factories.

    Attributes:
        environment: makes one environment; None where there is only a dataset.
        demonstrator: makes the demonstrator of a (vector) environment, or None.
        evaluation_environment: makes the environment that policies are judged in, where it is not
            the one that was demonstrated in: with another tolerance, say.
    """

    environment: Callable[[], base.Environment] | None = None
    demonstrator: collection.MakeDemonstrator | None = None
    evaluation_environment: Callable[[], base.Environment] | None = None

    def __post_init__(self):
        """Judges where it was demonstrated, unless told otherwise."""
        if self.evaluation_environment is None:
            object.__setattr__(self, "evaluation_environment", self.environment)


def spec_difference(environment: base.Environment, frame: trajectory.Trajectory) -> str | None:
    """Says in words where experience does not fit an environment; None where it fits.

    Bounds may differ: other collectors state wider ones.

    Args:
        environment: whose observations and actions are wanted.
        frame: spec of one frame of the experience.
    """
    wanted = frame._replace(
        observation=environment.observation_spec(), action=environment.action_spec()
    )
    return specs.difference(_without_bounds(wanted), _without_bounds(frame))


def _without_bounds(spec: Any) -> Any:
    return tf.nest.map_structure(
        lambda leaf: tf.TensorSpec(leaf.shape, leaf.dtype), tensor_spec.from_spec(spec)
    )
