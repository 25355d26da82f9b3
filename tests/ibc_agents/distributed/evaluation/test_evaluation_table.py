"""The table is complete at any time and keeps existing rows."""

import csv

import pytest

from ibc_agents.core import errors
from ibc_agents.distributed.evaluation import evaluation_table
from ibc_agents.rollouts import confidence_intervals, evaluation
from tests.system import helpers


def row(step, seed=0, successes=3):
    outcomes = tuple(evaluation.Outcome(k, k < successes, 0.0, 1) for k in range(4))
    return evaluation_table.Row.from_evaluation(
        step, evaluation.Evaluation(seed, outcomes), evaluators=2
    )


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_ordered_by_step(tmp_path):
    path = tmp_path / "evaluations.csv"
    table = evaluation_table.EvaluationTable(path)
    for step in (200, 100):
        table.add(row(step))
    low, high = (round(end, 6) for end in confidence_intervals.wilson_interval(3, 4))
    expected = dict(
        step="100", seed="0", episodes="4", successes="3", success="0.75", evaluators="2"
    )
    assert read(path) == [
        {**expected, "low": str(low), "high": str(high)},
        {**expected, "step": "200", "low": str(low), "high": str(high)},
    ]
    assert helpers.files(tmp_path) == ["evaluations.csv"]


def test_keeps_the_rows_of_an_earlier_process(tmp_path):
    path = tmp_path / "evaluations.csv"
    evaluation_table.EvaluationTable(path).add(row(100))
    table = evaluation_table.EvaluationTable(path)
    assert (100, 0) in table and (100, 1) not in table and (200, 0) not in table
    table.add(row(200, seed=1))
    table.add(row(100, successes=1))
    assert [(r["step"], r["seed"], r["successes"]) for r in read(path)] == [
        ("100", "0", "1"),
        ("200", "1", "3"),
    ]


def test_a_full_disk_leaves_the_table_unchanged(tmp_path):
    path = tmp_path / "evaluations.csv"
    table = evaluation_table.EvaluationTable(path)
    table.add(row(100))
    before = path.read_bytes()
    with helpers.full_disk(20), pytest.raises(errors.RunError, match="evaluations.csv"):
        table.add(row(200))
    assert path.read_bytes() == before
    assert helpers.files(tmp_path) == ["evaluations.csv"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("100,0,4,3", "100,0,4,2"),
        ("100,0,4,3", "100,0,0,0"),
        ("100,0,4,3", "100,-1,4,3"),
        ("0.75", "nan"),
        ("step,seed", "seed,step"),
        (",2\r\n", "\r\n"),
        (",2\r\n", ",2,2\r\n"),
        ("100,", '"100,'),
        ("100,", "\0,"),
    ],
)
def test_rejects_lines_that_are_not_results(tmp_path, old, new):
    path = tmp_path / "evaluations.csv"
    evaluation_table.EvaluationTable(path).add(row(100))
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())
    with pytest.raises(errors.RunError, match="evaluations.csv .* Move it to another place"):
        evaluation_table.EvaluationTable(path)


def test_rejects_two_lines_of_one_evaluation(tmp_path):
    path = tmp_path / "evaluations.csv"
    evaluation_table.EvaluationTable(path).add(row(100))
    header, line = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(header + 2 * line)
    with pytest.raises(errors.RunError, match="two lines of one step and seed"):
        evaluation_table.EvaluationTable(path)


@pytest.mark.parametrize("text", ["step,seed\n1,2\n", "step;what\n1;2\n"])
def test_rejects_other_files(tmp_path, text):
    path = tmp_path / "evaluations.csv"
    path.write_text(text)
    with pytest.raises(
        errors.RunError, match=r"evaluations.csv is not a readable table .* Move it"
    ):
        evaluation_table.EvaluationTable(path)
