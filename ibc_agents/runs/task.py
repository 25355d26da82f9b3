"""The task of a run: its environment and its demonstrator."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import gin
from tf_agents.policies import py_policy

from environments import base
from ibc_agents.core import setting_checks
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
            SettingError: If something else is given in place of a factory.
        """
        bases = {
            "environment": base.Environment,
            "demonstrator": py_policy.PyPolicy,
            "evaluation_environment": base.Environment,
        }
        for name, made in bases.items():
            value = getattr(self, name)
            if value is not None:
                setting_checks.check_factory(f"Task.{name}", value, made)
        if self.evaluation_environment is None:
            object.__setattr__(self, "evaluation_environment", self.environment)

    def describe_environment(self) -> environment_info.EnvironmentInfo | None:
        """Makes one environment, describes and closes it; returns None without an environment.

        An evaluation environment of its own is made too, so that a wrong setting of it is an error
        before the training, and its settings are in the operative configuration.
        """
        if self.environment is None:
            return None
        if self.evaluation_environment is not self.environment:
            assert self.evaluation_environment is not None  # __post_init__ sets it.
            self.evaluation_environment().close()
        return environment_info.EnvironmentInfo.from_factory(self.environment, self.demonstrator)
