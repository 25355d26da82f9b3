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
