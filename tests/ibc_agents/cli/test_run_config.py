"""The gin file of a run configures this project's classes and runs no other code."""

import sys

import gin
import pytest

from environments import particle
from ibc_agents.cli import gin_files
from ibc_agents.core import errors
from ibc_agents.runs import experiment, settings, task


@pytest.fixture
def config(tmp_path):
    return tmp_path / "operative_config.gin"


def parse(config, text, bindings=()):
    config.write_text(text)
    gin_files.parse_gin([], bindings, run_config=config)


def test_reads_the_settings_of_a_run(config):
    parse(
        config,
        """
import environments.particle
# Macros:
steps = 30
window/steps = 2
Task.environment = @scope/ParticleEnvironment
scope/ParticleEnvironment.dimension = 3
Learner.triggers = None
TrainingSettings.num_steps = %steps
EvaluationSettings:
    seed = 4
    num_episodes = 7
tf.keras.optimizers.Adam.learning_rate = @CosineDecay()
""",
        ["TrainingSettings.batch_size = 5"],
    )
    assert settings.TrainingSettings().num_steps == 30
    assert settings.TrainingSettings().batch_size == 5
    assert settings.EvaluationSettings(batch_size=1) == settings.EvaluationSettings(7, 4, 1)
    with task.Task().environment() as environment:
        assert isinstance(environment, particle.ParticleEnvironment)
        assert environment.name == "particle_3d"


def test_reads_what_gin_writes(config):
    """Operative configurations also have settings of TF-Agents' and Keras' classes."""
    files = ["gin_configs/tasks/particle.gin", "gin_configs/methods/ibc_autoregressive.gin"]
    gin_files.parse_gin(files, ["num_steps = 3"])
    experiment.Experiment.from_gin("run", "data")
    text = gin.operative_config_str()
    gin.clear_config()
    parse(config, text)
    assert experiment.Experiment.from_gin("run", "data").training.num_steps == 3


DYNAMIC = "from __gin__ import dynamic_registration\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{DYNAMIC}import os\nTask.environment = @os.getcwd", "enables gin's dynamic reg"),
        ("import foreign_task", "imports foreign_task"),
        ("import environments.particle\nimport foreign_task as t", "imports foreign_task"),
        ("from foreign_task import environments", "imports foreign_task.environments"),
        ("import environments_of_mine", "imports environments_of_mine"),
        ("import ibc_agents.train", "imports ibc_agents.train"),
        ("include '{folder}/other.gin'", "includes {folder}/other.gin"),
        ("Task.environment = @suite_gym.load", "refers to suite_gym.load"),
        ("Task.environment = @a/b/suite_gym.load", "refers to suite_gym.load"),
        ("macro = [(1, @suite_gym.load())]", "refers to suite_gym.load"),
        ("MlpEncoder:\n  activation = {'class_name': 'function'}", "contains a dictionary"),
        ("MlpEncoder.activation = [1, ({'module': 'os'},)]", "contains a dictionary"),
    ],
)
def test_whatever_can_run_foreign_code_is_refused(config, tmp_path, monkeypatch, text, problem):
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("foreign_task", "environments_of_mine"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    (tmp_path / "other.gin").write_text("import foreign_task\n")
    with pytest.raises(errors.RunError) as caught:
        parse(config, text.replace("{folder}", str(tmp_path)))
    for part in (problem.format(folder=tmp_path), "--trust", str(config), "line "):
        assert part in str(caught.value)
    assert not (tmp_path / "ran").exists()
    assert "foreign_task" not in sys.modules


def test_settings_of_foreign_classes_are_skipped(config):
    parse(config, "suite_gym.load.environment_name = 'foreign:Task-v0'")
    assert not gin.config._CONFIG


@pytest.mark.parametrize(
    "content",
    [b"\xff", b"x = (", b"x = '''", b"x = " + b"(" * 5000, b"x", b"  x = 1\n y = 2", b"A.b = 1"],
)
def test_a_damaged_file_is_an_error_that_names_it(config, content):
    config.write_bytes(content)
    with pytest.raises(errors.RunError, match=str(config)):
        gin_files.parse_gin([], [], run_config=config)
