"""Policies that wait are on the disk, whole, in the order of their steps."""

import numpy as np
import pytest

from ibc_agents.core import errors
from ibc_agents.distributed.evaluation import backlog
from tests.system import helpers


def values(number):
    return [np.full([2, 3], number, np.float32), np.array(number, np.int64)]


def test_policies_wait_over_processes_and_come_out_in_order(tmp_path):
    early, late = backlog.Waiting(900, 0, 4), backlog.Waiting(1000, 0, 4)
    waiting = backlog.Backlog(tmp_path / "waiting")
    assert waiting.waiting() == []
    waiting.add(late, values(2))
    waiting.add(early, values(1))
    again = backlog.Backlog(tmp_path / "waiting")
    assert again.waiting() == [early, late]
    for found, wanted in zip(again.values(late), values(2), strict=True):
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == wanted.dtype
    again.remove(early)
    again.remove(early)
    assert waiting.waiting() == [late]


def test_there_is_no_half_a_policy(tmp_path):
    waiting = backlog.Backlog(tmp_path / "waiting")
    with helpers.full_disk(100), pytest.raises(errors.RunError, match="cannot write .*step-5"):
        waiting.add(backlog.Waiting(5, 0, 4), values(1))
    assert waiting.waiting() == []
    assert helpers.files(tmp_path / "waiting") == []
