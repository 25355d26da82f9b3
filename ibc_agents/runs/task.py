"""The task of a run: its environment and its demonstrator."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import gin

from environments import base
from ibc_agents.rollouts import collection, environment_info


@gin.configurable
@dataclasses.dataclass(frozen=True)
class Task:
    """An environment and its demonstrator, as factories.

    Attributes:
        environment: Makes one environment; None if there is only a dataset.
        demonstrator: Makes the demonstrator of a (vector) environment; None if there is none.
        evaluation_environment: Makes one environment for evaluations, for example with another
            tolerance. Default: `environment`.
    """

    environment: Callable[[], base.Environment] | None = None
    demonstrator: collection.MakeDemonstrator | None = None
    evaluation_environment: Callable[[], base.Environment] | None = None

    def __post_init__(self):
        """Sets the default of the evaluation environment.

        Raises:
            TypeError: If an environment or demonstrator is given in place of its factory.
        """
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None and not callable(value):
                raise TypeError(
                    f"Task.{field.name} must be a factory, such as @{type(value).__name__} without "
                    f"parentheses; got {value!r}."
                )
        if self.evaluation_environment is None:
            object.__setattr__(self, "evaluation_environment", self.environment)

    def describe_environment(self) -> environment_info.EnvironmentInfo | None:
        """Makes one environment, describes and closes it; returns None without an environment."""
        if self.environment is None:
            return None
        return environment_info.EnvironmentInfo.from_factory(self.environment, self.demonstrator)
