"""The runner skips finished runs, resumes unfinished ones, and keeps complete results."""

import dataclasses
import json
import pathlib

import pytest

from ibc_agents.core import errors
from ibc_agents.studies import Cell, Evaluation, Method, Runner, Study, Task


class Commands:
    """Replaces the train and evaluate commands; writes results or fails."""

    def __init__(self, fails=()):
        self.calls = []
        self.fails = set(fails)

    def __call__(self, module, flags):
        values = dict(flag.removeprefix("--").partition("=")[::2] for flag in flags)
        root_dir = pathlib.Path(values.get("root_dir") or values["policy"])
        self.calls.append((module, root_dir.name))
        if root_dir.name in self.fails:
            raise errors.UserError("it failed")
        root_dir.mkdir(parents=True, exist_ok=True)
        results = pathlib.Path(values.get("results", root_dir / "results.json"))
        content = {"seed": int(values.get("seed", -1)), "episodes": [1, 2], "policy": "/somewhere"}
        results.write_text(json.dumps(content))


STUDY = Study(
    name="small",
    tasks={"door": Task("Door", ["door.gin"]), "pen": Task("Pen", ["pen.gin"])},
    methods={"mse": Method("MSE", ["mse.gin"])},
    evaluations={"longer": Evaluation(["Door.steps = 9"], tasks=["door"])},
)


@pytest.fixture
def lines():
    return []


@pytest.fixture
def make_runner(tmp_path, lines):
    def make(commands, study=STUDY):
        folders = (tmp_path / name for name in ("runs", "results", "datasets"))
        return Runner(study, *folders, commands, lines.append)

    return make


def test_every_run_is_trained_evaluated_and_kept(make_runner, tmp_path):
    commands = Commands()
    runner = make_runner(commands)
    runner.run(STUDY.cells(), [0, 1])
    assert [call for call in commands.calls if "pen" in call[1]] == [
        ("ibc_agents.train", "pen_mse_seed0"),
        ("ibc_agents.train", "pen_mse_seed1"),
    ]
    assert ("ibc_agents.evaluate", "door_mse_seed1") in commands.calls
    declaration = {"gin_files": ["door.gin", "mse.gin"], "bindings": []}
    assert runner.results(Cell("door", "mse")) == {
        seed: {"seed": seed, "declaration": declaration} for seed in (0, 1)
    }
    assert list(runner.results(Cell("door", "mse"), "longer")) == [0, 1]
    assert len(list((tmp_path / "results").iterdir())) == 6


def test_finished_runs_are_skipped(make_runner, lines):
    make_runner(Commands()).run(STUDY.cells(), [0])
    again = Commands()
    make_runner(again).run(STUDY.cells(), [0])
    assert again.calls == []
    assert lines[-1] == "small: 2 of 2 runs finished"


def test_a_trained_run_without_its_evaluation_is_only_evaluated(make_runner, tmp_path):
    root_dir = tmp_path / "runs" / "door_mse_seed0"
    root_dir.mkdir(parents=True)
    (root_dir / "results.json").write_text('{"seed": 0}')
    commands = Commands()
    make_runner(commands).run([Cell("door", "mse")], [0])
    assert commands.calls == [("ibc_agents.evaluate", "door_mse_seed0")]


def test_a_failed_run_does_not_stop_the_others_and_is_repeated(make_runner):
    runner = make_runner(Commands(fails=["door_mse_seed0"]))
    with pytest.raises(errors.UserError, match="1 of 2 runs failed: door_mse_seed0"):
        runner.run(STUDY.cells(), [0])
    assert list(runner.results(Cell("pen", "mse"))) == [0]
    again = Commands()
    make_runner(again).run(STUDY.cells(), [0])
    assert again.calls == [
        ("ibc_agents.train", "door_mse_seed0"),
        ("ibc_agents.evaluate", "door_mse_seed0"),
    ]


def test_a_task_without_its_dataset_is_skipped(make_runner, tmp_path, lines):
    tasks = {"door": Task("Door", ["door.gin"], dataset=tmp_path / "door-human-v0")}
    study = Study("small", tasks, STUDY.methods)
    commands = Commands()
    make_runner(commands, study).run(study.cells(), [0])
    assert commands.calls == []
    assert "skipped" in lines[-1] and "door-human-v0 does not exist" in lines[-1]


def test_a_command_that_leaves_no_results_is_an_error(make_runner):
    runner = make_runner(lambda module, flags: None)
    with pytest.raises(errors.UserError, match="1 of 1 runs failed"):
        runner.run([Cell("pen", "mse")], [0])
    assert not runner.is_finished(STUDY.run(Cell("pen", "mse"), 0))


def test_results_of_other_settings_are_rejected(make_runner):
    make_runner(Commands()).run([Cell("pen", "mse")], [0])
    changed = dataclasses.replace(STUDY, bindings=["num_steps = 7"])
    with pytest.raises(errors.UserError, match="pen_mse_seed0.json belongs to a run with other"):
        make_runner(Commands(), changed).run([Cell("pen", "mse")], [0])


def test_an_interrupted_run_of_other_settings_is_not_resumed(make_runner, tmp_path):
    with pytest.raises(errors.UserError):
        make_runner(Commands(fails=["pen_mse_seed0"])).run([Cell("pen", "mse")], [0])
    changed = dataclasses.replace(STUDY, bindings=["num_steps = 7"])
    commands = Commands()
    with pytest.raises(errors.UserError, match="1 of 1 runs failed"):
        make_runner(commands, changed).run([Cell("pen", "mse")], [0])
    assert commands.calls == []
