"""Gin files and bindings of a command."""

import gin
import pytest

from ibc_agents.cli import error_messages, gin_files
from ibc_agents.core import errors
from ibc_agents.runs import experiment, settings

LANGEVIN = ["gin_configs/tasks/particle.gin", "gin_configs/methods/ibc_langevin.gin"]


def test_later_files_win_and_bindings_come_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.gin").write_text("TrainingSettings.num_steps = 1\nn = 5\n")
    (tmp_path / "two.gin").write_text(
        "TrainingSettings.num_steps = 2\nTrainingSettings.batch_size = %n\n"
    )
    gin_files.parse_gin(["one.gin", str(tmp_path / "two.gin")], ["n = 7"])
    found = settings.TrainingSettings()
    assert (found.num_steps, found.batch_size) == (2, 7)
    gin.clear_config()
    gin_files.parse_gin(["two.gin", "one.gin"], ["TrainingSettings.num_steps = 3"])
    assert settings.TrainingSettings().num_steps == 3


def test_shipped_files_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gin_files.parse_gin(LANGEVIN, [])
    assert "ParticleEnvironment.dimension = 2" in gin.config_str()


def test_unknown_names_are_rejected_with_their_location(tmp_path):
    path = tmp_path / "mine.gin"
    path.write_text("\nTrainingSettings.num_step = 1\n")
    with pytest.raises(errors.RunError) as caught:
        gin_files.parse_gin([str(path)], [])
    for part in ("num_step", str(path), "line 2"):
        assert part in str(caught.value)
    with pytest.raises(errors.RunError, match="No configurable matching 'Absent'"):
        gin_files.parse_gin([], ["Absent.value = 1"])


@pytest.mark.parametrize(
    ("binding", "unused"),
    [("num_stesp = 3", "num_stesp"), ("trian/Langevin.num_iterations = 3", "trian")],
)
def test_a_binding_of_an_unused_macro_or_scope_is_rejected(binding, unused):
    with pytest.raises(errors.RunError, match=f"No setting refers to {unused}, which"):
        gin_files.parse_gin(LANGEVIN, [binding])


def test_a_binding_may_replace_the_macro_of_a_file():
    gin_files.parse_gin(LANGEVIN, ["TrainingSettings.batch_size = 7"])
    assert settings.TrainingSettings().batch_size == 7


def test_files_may_contain_unused_macros(tmp_path):
    (tmp_path / "mine.gin").write_text("n = 3\n")
    gin_files.parse_gin(
        [str(tmp_path / "mine.gin")], ["n = 4", "m = 5", "Langevin.num_iterations = %m"]
    )
    assert gin.query_parameter("%n") == 4


@pytest.mark.parametrize(
    ("task", "paper"),
    [
        ("particle", "particle_langevin"),
        ("pushing_states", "pushing_derivative_free"),
        ("d4rl/door", "d4rl_mse"),
    ],
)
def test_steps_of_published_runs_can_be_bound(task, paper):
    files = [f"gin_configs/tasks/{task}.gin", f"gin_configs/paper/{paper}.gin"]
    gin_files.parse_gin(files, ["num_steps = 7"])
    assert settings.TrainingSettings().num_steps == 7


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([], "agent"),
        (["Experiment.agent = @ImplicitBCAgent()"], "ImplicitBCAgent"),
        (["Experiment.agent = 3"], "Experiment.agent must be a factory"),
        (["Experiment.source = @InMemorySource"], "Experiment.source must be an object"),
        (["TrainingSettings.num_steps = 0", "Experiment.training = @TrainingSettings()"], "num_st"),
    ],
)
def test_an_invalid_experiment_is_rejected(values, problem):
    good = ["Experiment.agent = @MseAgent", "Experiment.source = @InMemorySource()"]
    gin_files.parse_gin([], [*(good if values else []), *values])
    with pytest.raises((errors.SettingError, TypeError), match=problem) as caught:
        experiment.Experiment.from_gin("run", "data")
    assert error_messages.format_error(caught.value).startswith("in the gin configuration: ")


def test_environments_are_known_by_name():
    assert gin_files.environment_files(None) == []
    assert gin_files.environment_files("particle") == ["gin_configs/tasks/particle.gin"]
    assert gin_files.environment_files("d4rl/pen") == ["gin_configs/tasks/d4rl/pen.gin"]
    for absent in ("particles", "dataset", "../particle"):
        with pytest.raises(errors.RunError, match=f"no environment '{absent}'; choose from: d4rl/"):
            gin_files.environment_files(absent)


def test_a_second_parse_replaces_the_first():
    """As in a notebook, with and without `gin.clear_config` between."""
    gin_files.parse_gin(LANGEVIN, ["TrainingSettings.num_steps = 3"])
    settings.TrainingSettings()
    for clear in (lambda: None, gin.clear_config):
        clear()
        gin_files.parse_gin([], ["TrainingSettings.batch_size = 7"])
        found = settings.TrainingSettings()
        assert (found.num_steps, found.batch_size) == (10_000, 7)
        assert "ParticleEnvironment" not in gin.config_str()
        assert "num_steps = 10000" in gin.operative_config_str()
    with pytest.raises(RuntimeError, match="locked"):
        gin.bind_parameter("TrainingSettings.batch_size", 8)


def test_a_failed_parse_leaves_an_empty_configuration():
    with pytest.raises(errors.RunError, match="num_stps"):
        gin_files.parse_gin(LANGEVIN, ["TrainingSettings.num_stps = 3"])
    assert gin.config_str() == ""
    gin_files.parse_gin([], ["TrainingSettings.num_steps = 3"])


@pytest.mark.parametrize("including", ["one.gin", "two.gin"])
def test_a_file_that_includes_itself_is_rejected(tmp_path, monkeypatch, including):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.gin").write_text(f"include '{including}'\n")
    (tmp_path / "two.gin").write_text("include 'one.gin'\n")
    with pytest.raises(errors.RunError, match=f"{including} includes .*gin, which in turn inc"):
        gin_files.parse_gin(["one.gin"], [])


@pytest.mark.parametrize(
    ("bindings", "cycle"),
    [
        (["n = %n"], "%n → %n"),
        (["a = %b", "b = %a"], "%a → %b → %a"),
        (
            ["Langevin.update = @x/ExactUpdate()", "ExactUpdate.temperature = @x/Langevin()"],
            "@x/ExactUpdate() → @x/Langevin() → @x/ExactUpdate()",
        ),
    ],
)
def test_references_in_a_cycle_are_rejected(bindings, cycle):
    with pytest.raises(errors.RunError, match=r"The references form a cycle: (.*)\.") as caught:
        gin_files.parse_gin([], [*bindings, "Langevin.num_iterations = 3"])
    assert cycle in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"n = \xff", "mine.gin is no text"),
        (b"n = '\0'", "mine.gin has a null byte"),
        (b"n = [1,", "EOF in multi-line statement. In file '.*mine.gin', line 2"),
        (b"n = " + b"[" * 3_000, "mine.gin has a value with too many nested brackets"),
        (b"a:\n  b = 2\n c = 3\n", "unindent .* In file '.*mine.gin', line 3"),
        (b"n = {[]: 1}", "unhashable type"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, content, message):
    (tmp_path / "mine.gin").write_bytes(content)
    with pytest.raises(errors.RunError, match=message) as caught:
        gin_files.parse_gin([str(tmp_path / "mine.gin")], [])
    assert "\n" not in str(caught.value)
