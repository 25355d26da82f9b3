"""Waiting policies are stored completely and ordered by their steps."""

import numpy as np
import pytest

from ibc_agents.core import errors
from ibc_agents.distributed.evaluation import evaluation_queue
from tests.system import helpers


def values(number):
    return [np.full([2, 3], number, np.float32), np.array(number, np.int64)]


def test_policies_survive_the_process_and_are_ordered(tmp_path):
    early = evaluation_queue.PendingEvaluation(900, 0, 4)
    late = evaluation_queue.PendingEvaluation(1000, 0, 4)
    queue = evaluation_queue.EvaluationQueue(tmp_path / "waiting")
    assert queue.pending() == []
    queue.add(late, values(2))
    queue.add(early, values(1))
    reopened = evaluation_queue.EvaluationQueue(tmp_path / "waiting")
    assert reopened.pending() == [early, late]
    for found, expected in zip(reopened.load(late), values(2), strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
    reopened.remove(early)
    reopened.remove(early)
    assert queue.pending() == [late]


def test_a_full_disk_leaves_no_partial_policy(tmp_path):
    queue = evaluation_queue.EvaluationQueue(tmp_path / "waiting")
    with helpers.full_disk(100), pytest.raises(errors.RunError, match="cannot write .*step-5"):
        queue.add(evaluation_queue.PendingEvaluation(5, 0, 4), values(1))
    assert queue.pending() == []
    assert helpers.files(tmp_path / "waiting") == []


@pytest.mark.parametrize(
    "damage", [lambda c: b"", lambda c: c[:-1], lambda c: c[:50] + b"x" + c[51:]]
)
def test_a_damaged_policy_is_recognized(tmp_path, damage):
    queue = evaluation_queue.EvaluationQueue(tmp_path)
    pending = evaluation_queue.PendingEvaluation(900, 0, 4)
    queue.add(pending, values(1))
    path = queue.path(pending)
    path.write_bytes(damage(path.read_bytes()))
    assert queue.pending() == [pending]
    with pytest.raises(evaluation_queue.DamagedPolicyError, match="its checksum differs"):
        queue.load(pending)


def test_ignores_what_is_no_policy(tmp_path):
    (tmp_path / "step-1-seed-0-episodes-4.policy").mkdir()
    (tmp_path / "step-2-seed-0.policy").touch()
    assert evaluation_queue.EvaluationQueue(tmp_path).pending() == []
