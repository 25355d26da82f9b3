"""A study composes the files and bindings of its runs."""

import pytest

from ibc_agents.studies import Cell, Evaluation, Method, Study, Task, Variation


def make_study(**changes) -> Study:
    parts = {
        "name": "small",
        "tasks": {
            "door": Task("Door", ["tasks/door.gin"], ["Door.steps = 5"]),
            "pen": Task("Pen", ["tasks/pen.gin"]),
        },
        "methods": {
            "mse": Method("MSE", ["methods/mse.gin"], ["MseAgent.window = 1"]),
            "mdn": Method("MDN", ["methods/mdn.gin"]),
        },
        "bindings": ["EvaluationSettings.seed = 3"],
    }
    return Study(**(parts | changes))


def test_a_run_reads_the_task_before_the_method_and_binds_from_general_to_special():
    variation = Variation(bindings=["num_steps = 7"])
    study = make_study(variations={Cell("door", "mse"): variation})
    run = study.run(Cell("door", "mse"), seed=2)
    assert run.name == "door_mse_seed2"
    assert run.gin_files == ("tasks/door.gin", "methods/mse.gin")
    assert run.bindings == (
        "EvaluationSettings.seed = 3",
        "Door.steps = 5",
        "MseAgent.window = 1",
        "num_steps = 7",
    )


def test_a_variation_may_have_files_of_its_own():
    study = make_study(variations={Cell("pen", "mdn"): Variation(["recipes/pen_mdn.gin"])})
    assert study.run(Cell("pen", "mdn"), 0).gin_files == ("recipes/pen_mdn.gin",)
    assert study.run(Cell("pen", "mse"), 0).gin_files == ("tasks/pen.gin", "methods/mse.gin")


def test_cells_go_task_by_task_without_the_excluded_ones():
    study = make_study(excluded=[Cell("door", "mdn")])
    assert study.cells() == [("door", "mse"), ("pen", "mse"), ("pen", "mdn")]
    assert study.cells(methods=["mdn"]) == [("pen", "mdn")]


def test_evaluations_belong_to_their_tasks():
    study = make_study(evaluations={"longer": Evaluation(["Door.steps = 9"], tasks=["door"])})
    assert study.run(Cell("door", "mse"), 0).evaluations == {"longer": ("Door.steps = 9",)}
    assert study.run(Cell("pen", "mse"), 0).evaluations == {}


def test_unknown_names_are_rejected_with_those_that_exist():
    with pytest.raises(ValueError, match="no task called hammer; choose from door, pen"):
        make_study().cells(tasks=["hammer"])
    with pytest.raises(ValueError, match="small has no such cells: door × ibc"):
        make_study(excluded=[Cell("door", "ibc")])
