"""The environment and the demonstrator of a run."""

import pytest

from environments import particle
from ibc_agents.core import errors
from ibc_agents.runs import task


def test_policies_are_evaluated_where_they_were_demonstrated_by_default():
    make = particle.ParticleEnvironment
    assert task.Task(make).evaluation_environment is make
    other = task.Task(make, evaluation_environment=lambda: None)
    assert other.evaluation_environment is not make


@pytest.mark.parametrize("name", ["environment", "evaluation_environment", "demonstrator"])
def test_an_object_in_place_of_its_factory_is_rejected(name):
    with pytest.raises(errors.SettingError, match=f"Task.{name} must be a factory of"):
        task.Task(**{name: particle.ParticleEnvironment()})
