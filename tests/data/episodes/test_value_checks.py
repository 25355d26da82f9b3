"""Values that training rejects."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec

from data.episodes import value_checks


@pytest.fixture
def problems(make_spec, make_episode):
    """Returns the problems of an episode with these actions and bounds."""

    def find(actions, low=-np.inf, high=np.inf):
        frames = make_episode(len(actions)).frames._replace(action=np.float32(actions)[:, None])
        bounds = tensor_spec.BoundedTensorSpec([1], tf.float32, low, high)
        return list(value_checks.find_problems(frames, make_spec()._replace(action=bounds)))

    return find


def test_an_action_that_was_never_executed_can_have_any_value(problems):
    assert not problems([0, 0, np.nan], -1, 1)
    assert not problems([0, 0, 9], -1, 1)
    (problem,) = problems([0, np.nan, 0], -1, 1)
    assert (problem.row, problem.leaf) == (1, "action") and "is NaN or infinite" in problem.text


def test_a_bound_on_one_side_is_checked(problems):
    assert not problems([0, 1e9, 0], low=0)
    assert not problems([0, -1e9, 0], high=0)
    for actions, bounds in (([0, -0.1, 0], {"low": 0}), ([0, 2.1, 0], {"high": 2})):
        (problem,) = problems(actions, **bounds)
        assert problem.row == 1 and "is outside its bounds" in problem.text
