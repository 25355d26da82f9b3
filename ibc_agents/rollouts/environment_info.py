"""Name and specs of an environment."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tf_agents.policies import py_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import specs
from environments import base


@dataclasses.dataclass(frozen=True)
class EnvironmentInfo:
    """Name, specs and demonstrator of an environment.

    Attributes:
        name: Name of the environment, which includes its options.
        time_step_spec: TimeStep of `tf.TensorSpec` of one row.
        action_spec: Nest of `tf.TensorSpec` of one row.
        has_vector_form: Whether all rows are stepped by one vectorized environment, which is fast.
        demonstrator_name: Class name of the demonstrator; None without one.
    """

    name: str
    time_step_spec: ts.TimeStep
    action_spec: Any
    has_vector_form: bool
    demonstrator_name: str | None

    @classmethod
    def from_factory(
        cls,
        make_environment: Callable[[], base.Environment],
        make_demonstrator: Callable[[Any], py_policy.PyPolicy] | None = None,
    ) -> EnvironmentInfo:
        """Makes one environment, describes and closes it.

        Args:
            make_environment: Makes one environment.
            make_demonstrator: Makes the demonstrator of a vector environment.
        """
        with contextlib.closing(base.vectorize(make_environment, 1)) as environment:
            demonstrator = None if make_demonstrator is None else make_demonstrator(environment)
            return cls(
                name=environment.name,
                time_step_spec=tensor_spec.from_spec(environment.time_step_spec()),
                action_spec=tensor_spec.from_spec(environment.action_spec()),
                has_vector_form=not isinstance(environment, base.SerialVectorEnvironment),
                demonstrator_name=None if demonstrator is None else type(demonstrator).__name__,
            )

    def spec_difference(self, frame: trajectory.Trajectory) -> str | None:
        """Describes where the frames of a dataset or policy differ from the environment's.

        Bounds may differ: another library may have recorded wider ones.

        Args:
            frame: Trajectory of specs of one frame.

        Returns:
            The first difference in words, or None if observations and actions have the structure,
            shapes and dtypes of the environment's.
        """
        own = frame._replace(observation=self.time_step_spec.observation, action=self.action_spec)
        return specs.difference(_without_bounds(own), _without_bounds(frame))


def _without_bounds(spec: Any) -> Any:
    return tf.nest.map_structure(
        lambda leaf: tf.TensorSpec(leaf.shape, leaf.dtype), tensor_spec.from_spec(spec)
    )
