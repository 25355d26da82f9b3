"""Valid, clipped and rejected actions, and the error messages."""

import re

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import array_spec

from environments.actions import check_action

SPEC = array_spec.BoundedArraySpec((2,), np.float32, [0.0, -1.0], [1.0, 3.0], "a")


def test_returns_an_equal_new_array():
    action = np.array([0.5, 2.0], np.float32)
    checked = check_action(action, SPEC)
    np.testing.assert_array_equal(checked, action, strict=True)
    assert not np.shares_memory(checked, action)


def test_accepts_tensors():
    checked = check_action(tf.constant([0.5, 2.0]), SPEC)
    np.testing.assert_array_equal(checked, np.array([0.5, 2.0], np.float32), strict=True)


@pytest.mark.parametrize(
    "action, expected",
    [([1 + 5e-6, 0], [1, 0]), ([0, 3 + 3e-5], [0, 3]), ([-5e-6, -1 - 3e-5], [0, -1])],
)
def test_rounding_excess_is_clipped_relative_to_the_range_of_each_element(action, expected):
    checked = check_action(np.array(action, np.float32), SPEC)
    np.testing.assert_array_equal(checked, np.array(expected, np.float32), strict=True)


@pytest.mark.parametrize(
    "action, message",
    [
        (np.zeros(3, np.float32), "action has shape [3], expected [2]"),
        (np.zeros([1, 2], np.float32), "action has shape [1, 2], expected [2]"),
        (np.zeros(2), "action has dtype float64, expected float32"),
        (np.array([0, np.inf], np.float32), "action is not finite"),
        (np.array([1.001, 0], np.float32), "action is out of range"),
        (np.array([0, -1.1], np.float32), "action is out of range"),
        ({"a": np.zeros(2, np.float32)}, "action has the wrong structure"),
    ],
)
def test_invalid_actions_are_rejected(action, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_action(action, SPEC)


def test_errors_name_the_array_of_a_nest():
    spec = {"arm": SPEC, "hand": array_spec.ArraySpec((1,), np.float32)}
    good = {"arm": np.zeros(2, np.float32), "hand": np.full(1, 1e9, np.float32)}
    np.testing.assert_array_equal(check_action(good, spec)["hand"], good["hand"])
    with pytest.raises(ValueError, match="action hand has shape"):
        check_action({**good, "hand": np.zeros(2, np.float32)}, spec)


def test_only_selected_rows_are_checked():
    actions = np.array([[0, 0], [np.nan, 9]], np.float32)
    check_action(actions, SPEC, batch_size=2, rows=np.array([True, False]))
    with pytest.raises(ValueError, match="finite"):
        check_action(actions, SPEC, batch_size=2, rows=np.array([False, True]))
    with pytest.raises(ValueError, match=re.escape("shape [2, 2], expected [3, 2]")):
        check_action(actions, SPEC, batch_size=3, rows=np.array([True, False, False]))


def test_unbounded_specs_accept_any_finite_value():
    spec = array_spec.BoundedArraySpec((1,), np.float32)
    value = np.array([3e38], np.float32)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(check_action(value, spec), value)
    infinite = array_spec.BoundedArraySpec((1,), np.float32, -np.inf, np.inf)
    np.testing.assert_array_equal(check_action(value, infinite), value)
