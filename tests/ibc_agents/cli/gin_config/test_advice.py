"""Advice in the messages of gin's errors."""

import gin
import pytest

from ibc_agents.cli import error_messages, gin_files
from ibc_agents.cli.gin_config import advice
from ibc_agents.core import errors
from ibc_agents.runs import experiment

TASK, METHOD = "gin_configs/tasks/particle.gin", "gin_configs/methods/mse.gin"


@pytest.mark.parametrize(
    ("files", "bindings", "advice"),
    [
        (["gin_configs/partcle.gin"], [], "Did you mean gin_configs/particle.gin? Paths"),
        ([], ["include 'gin_configs/tasks/partcle.gin'"], "mean gin_configs/tasks/particle.gin?"),
        ([TASK, METHOD], ["ParticleEnv.dimension = 3"], "Did you mean ParticleEnvironment?"),
        ([TASK, METHOD], ["ParticleEnvironment.dimensions = 3"], "Did you mean dimension?"),
        ([TASK, METHOD], ["ImplicitBCAgent.loss = @InfoMCE()"], "Did you mean InfoNCE?"),
        (
            ["gin_configs/tasks/dataset.gin", METHOD],
            [],
            "sets DemonstrationSettings.dataset. Bind it: --gin_bindings='DemonstrationSettings",
        ),
        (
            [TASK, METHOD],
            ["n = @NumberOfEpisodes()"],
            "classes are named NumberOfEpisodes: '",
        ),
        ([METHOD], [], "sets the macro num_steps. Name the file of a task"),
    ],
)
def test_messages_name_the_closest_name_or_the_missing_file(files, bindings, advice):
    with pytest.raises(errors.RunError) as caught:
        gin_files.parse_gin(files, bindings)
        experiment.Experiment.from_gin("run", "data")
    assert advice in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_task_without_a_method_asks_for_one():
    gin_files.parse_gin([TASK], [])
    with pytest.raises(TypeError) as caught:
        experiment.Experiment.from_gin("run", "data")
    message = error_messages.format_error(caught.value)
    assert message.startswith(
        "in the gin configuration: No file or binding sets Experiment.agent. Name the file"
    )


def test_several_unset_arguments_are_named():
    @gin.configurable(module="tests")
    class Unset:
        def __init__(self, first, second): ...

    with pytest.raises(TypeError) as caught:
        Unset()
    assert error_messages.format_error(caught.value) == (
        "in the gin configuration: No file or binding sets Unset.first, Unset.second. Bind it."
    )


@pytest.mark.parametrize(
    "message", ["No configurable matching 'Qqqqq'.", "Unable to parse value.", ""]
)
def test_other_messages_stay(message):
    assert advice.advise(message) == message
