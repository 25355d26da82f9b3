"""All settings of a job are compared, except those of a machine."""

import gin
import pytest

from ibc_agents.cli import gin_files
from ibc_agents.distributed.messaging import job_configuration
from ibc_agents.runs import experiment as experiment_lib

FILES = ["gin_configs/tasks/particle.gin", "gin_configs/methods/mse.gin"]


@pytest.fixture
def describe(tmp_path):
    """A function that describes the experiment of bindings and a seed."""

    def read(*bindings, seed=0):
        gin.clear_config()
        gin_files.parse_gin(FILES, bindings)
        return job_configuration.describe(
            experiment_lib.Experiment.from_gin(tmp_path, tmp_path, seed=seed)
        )

    with gin.unlock_config():
        yield read
        gin.clear_config()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Adam.learning_rate", "0.5"),
        ("MlpEncoder.width", "9"),
        ("EvaluationSettings.num_episodes", "9"),
        ("ParticleEnvironment.wait_at_first_goal", "3"),
    ],
)
def test_any_other_setting_is_a_difference(describe, name, value):
    plain = describe()
    other = describe(f"{name} = {value}")
    difference = job_configuration.describe_difference(other, plain)
    assert f"its {name} is {value}, the one of this process is" in difference
    assert job_configuration.describe_difference(plain, describe()) is None


def test_another_seed_is_a_difference(describe):
    difference = job_configuration.describe_difference(describe(seed=1), describe())
    assert difference == "its --seed is 1, the one of this process is 0"


def test_folder_of_the_dataset_and_processes_may_differ(describe):
    other = describe(
        "DemonstrationSettings.dataset = '/another/mount'",
        "DemonstrationSettings.num_processes = 3",
    )
    assert job_configuration.describe_difference(other, describe()) is None


def test_a_value_of_several_lines_is_compared_as_a_whole(describe):
    names = [f"folder_{number}" for number in range(40)]
    plain = describe(f"MlpEncoder.activation = {names}")
    other = describe(f"MlpEncoder.activation = {[*names[:-1], 'other']}")
    assert "MlpEncoder.activation" in job_configuration.describe_difference(other, plain)
