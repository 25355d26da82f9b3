"""The record of the choices with which a run was trained."""

import json

import pytest

from ibc_agents import acceleration
from ibc_agents.core import errors
from ibc_agents.runs.records import acceleration_history

NUM_STEPS = 100


def blocks(taken, speedup=1.4):
    return {"blocks": {"taken": taken, "speedup": speedup, "measured": "2030-01-01"}}


@pytest.fixture
def record(tmp_path, monkeypatch):
    """Records the choices of a process that begins at a step; returns history and reports."""

    def record(step, choices):
        monkeypatch.setattr(acceleration, "choices", lambda: choices)
        reports = []
        return acceleration_history.record(tmp_path, step, NUM_STEPS, reports.append), reports

    return record


def test_a_change_on_resumption_is_recorded_and_reported(record, tmp_path):
    first = {"from_step": 0, **blocks(True)}
    assert record(0, blocks(True)) == ([first], [])
    history, (report,) = record(40, blocks(False, 0.9))
    assert history == [first, {"from_step": 40, **blocks(False, 0.9)}]
    assert report.startswith("from step 40 on, the choices of acceleration are no blocks; before, ")
    assert "they were blocks. The weights can differ in the last digits" in report
    assert json.loads((tmp_path / "acceleration.json").read_text()) == {"history": history}


def test_a_repeated_measurement_with_the_same_choice_is_no_change(record):
    history, _ = record(0, blocks(True, 1.4))
    assert record(40, blocks(True, 1.3)) == (history, [])


def test_steps_after_the_restored_checkpoint_are_forgotten(record):
    record(0, blocks(True))
    record(40, blocks(False))
    history, reports = record(40, blocks(True))
    assert [phase["from_step"] for phase in history] == [0] and not reports
    assert record(60, blocks(True)) == (history, [])
    assert record(0, blocks(False)) == ([{"from_step": 0, **blocks(False)}], [])


def test_a_finished_training_is_left_as_it_is(record):
    history, _ = record(0, blocks(True))
    assert record(NUM_STEPS, blocks(False)) == (history, [])


def test_a_run_without_choices_has_no_record(record, tmp_path):
    assert record(0, {}) == ([], [])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content", ["", "[]", '{"history": [1]}', '{"history": [{"from_step": 0, "blocks": 1}]}']
)
def test_a_damaged_record_is_named(record, tmp_path, content):
    (tmp_path / "acceleration.json").write_text(content)
    with pytest.raises(errors.RunError, match="acceleration.json is damaged; remove it"):
        record(0, blocks(True))
