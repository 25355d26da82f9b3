"""What the commands share: gin files, guards, and errors as one sentence."""

import importlib.metadata
import importlib.util
import sys
import types

import gin
import pytest

from data import errors as data_errors
from environments import errors as environment_errors
from ibc_agents import samplers
from ibc_agents.cli import command_line
from ibc_agents.core import errors
from ibc_agents.runs import settings


@pytest.fixture
def run(monkeypatch):
    """Runs a function as a command; returns its exit code, or what it exits with."""
    monkeypatch.setattr(sys, "argv", ["command"])
    monkeypatch.setattr(command_line.quiet_start, "quieten", lambda: None)

    def run(main, **options):
        with pytest.raises(SystemExit) as end:
            command_line.run(main, **options)
        return end.value.code

    return run


def raising(error):
    def main():
        raise error

    return main


def test_exit_codes(run, capsys):
    assert not run(lambda: None)
    assert run(raising(errors.RunError("a sentence."))) == "error: a sentence."
    assert run(raising(data_errors.DataError("one of data."))) == "error: one of data."
    assert run(raising(environment_errors.RenderingError("no screen."))) == "error: no screen."
    assert run(raising(KeyboardInterrupt()), after_interrupt="so be it") == 130
    assert capsys.readouterr().out == "\ninterrupted; so be it\n"


def test_errors_of_ours_keep_their_traceback(run, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["command"])
    for error in (ValueError("a fault"), TypeError("another"), RuntimeError("a third")):
        with pytest.raises(type(error), match=str(error)):
            command_line.run(raising(error))


def test_a_value_that_a_configured_class_refuses_is_the_users(run):
    """However late the object is made."""
    command_line.parse_gin([], ["Langevin.num_iterations = 0"])
    said = run(samplers.Langevin)
    assert said.startswith("error: in the gin configuration: ")
    assert "num_iterations" in said and "'Langevin'" in said and "\n" not in said


def test_later_files_win_and_bindings_come_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.gin").write_text("TrainingSettings.num_steps = 1\nn = 5\n")
    (tmp_path / "two.gin").write_text(
        "TrainingSettings.num_steps = 2\nTrainingSettings.batch_size = %n\n"
    )
    command_line.parse_gin(["one.gin", str(tmp_path / "two.gin")], ["n = 7"])
    found = settings.TrainingSettings()
    assert (found.num_steps, found.batch_size) == (2, 7)
    gin.clear_config()
    command_line.parse_gin(["two.gin", "one.gin"], ["TrainingSettings.num_steps = 3"])
    assert settings.TrainingSettings().num_steps == 3


def test_shipped_files_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command_line.parse_gin(["gin_configs/particle_langevin.gin"], [])
    assert "ParticleEnvironment.dimension = 2" in gin.config_str()


def test_unknown_names_are_refused_with_their_place(tmp_path):
    path = tmp_path / "mine.gin"
    path.write_text("\nTrainingSettings.num_step = 1\n")
    with pytest.raises(errors.RunError) as caught:
        command_line.parse_gin([str(path)], [])
    for part in ("num_step", str(path), "line 2"):
        assert part in str(caught.value)
    with pytest.raises(errors.RunError, match="No configurable matching 'Absent'"):
        command_line.parse_gin([], ["Absent.value = 1"])


@pytest.mark.parametrize(
    ("binding", "unused"),
    [("num_stesp = 3", "num_stesp"), ("trian/Langevin.num_iterations = 3", "trian")],
)
def test_a_binding_of_a_macro_or_scope_that_nothing_refers_to_is_refused(binding, unused):
    with pytest.raises(errors.RunError, match=f"No setting refers to {unused}, which"):
        command_line.parse_gin(["gin_configs/particle_langevin.gin"], [binding])


def test_files_may_leave_what_nothing_refers_to(tmp_path):
    (tmp_path / "mine.gin").write_text("n = 3\n")
    command_line.parse_gin(
        [str(tmp_path / "mine.gin")], ["n = 4", "m = 5", "Langevin.num_iterations = %m"]
    )
    assert gin.query_parameter("%n") == 4


@pytest.mark.parametrize("task", ["particle_langevin", "pushing_states", "d4rl_door"])
def test_steps_of_published_runs_can_be_bound(task):
    command_line.parse_gin([f"gin_configs/{task}_paper.gin"], ["num_steps = 7"])
    assert settings.TrainingSettings().num_steps == 7


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([], "agent"),
        (["Experiment.agent = @ImplicitBCAgent()"], "ImplicitBCAgent"),
        (["Experiment.agent = 3"], "Experiment.agent makes the agent"),
        (["Experiment.source = @InMemorySource"], "Experiment.source is an object"),
        (["TrainingSettings.num_steps = 0", "Experiment.training = @TrainingSettings()"], "num_st"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused(values, problem):
    good = ["Experiment.agent = @MseAgent", "Experiment.source = @InMemorySource()"]
    command_line.parse_gin([], [*(good if values else []), *values])
    with pytest.raises(errors.RunError, match=problem):
        command_line.make_experiment(root_dir="run", data_dir="data", seed=0)


def test_environments_are_known_by_name():
    assert command_line.environment_files(None) == []
    assert command_line.environment_files("particle") == ["gin_configs/particle_environment.gin"]
    with pytest.raises(errors.RunError, match="no environment 'particles'; choose from: "):
        command_line.environment_files("particles")


def test_a_package_of_another_project_in_front_of_ours_is_named(run, monkeypatch):
    find_spec = importlib.util.find_spec

    def find(name):
        foreign = types.SimpleNamespace(origin="/elsewhere/data/__init__.py")
        return foreign if name == "data" else find_spec(name)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    said = run(lambda: None)
    assert "'data' of another project (/elsewhere/data/__init__.py) stands in front of ours" in said


def test_typing_extensions_that_break_keras_are_named(run, monkeypatch):
    version = importlib.metadata.version

    def later(name):
        return "4.12.2" if name == "typing_extensions" else version(name)

    monkeypatch.setattr(importlib.metadata, "version", later)
    said = run(lambda: None)
    assert "typing_extensions is 4.12.2" in said
    assert "pip install typing_extensions==4.5.0" in said
