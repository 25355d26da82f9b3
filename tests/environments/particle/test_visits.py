"""The success criterion on hand-made trajectories and against a direct implementation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from environments.particle.visits import GoalVisits

NEAR, FAR = 0.05, 0.0501


def play(frames, wait=0, either_first=False):
    """Returns whether a trajectory succeeds. Each character states the goals near a frame."""
    visits = GoalVisits(1, wait, either_first)
    for frame in frames:
        distances = [NEAR if frame in goals else FAR for goals in ("1b", "2b")]
        visits.observe(np.array([distances]), np.array([True]))
    return bool(visits.accomplished[0])


@pytest.mark.parametrize(
    "frames, success",
    [
        ("..1..2", True),
        ("1.2", True),  # the start may already be at the first goal
        ("..1..2.", False),  # left the second goal before the end
        ("..2..1", False),  # the wrong order
        ("..2.1.2", True),  # an early visit of the second goal is allowed
        ("..2", False),  # no visit of the first goal
        ("..1", False),
        ("1b", True),
        (".b", False),  # the visits must be at different frames
        (".bb", True),
        ("", False),
    ],
)
def test_order(frames, success):
    assert play(frames) is success


@pytest.mark.parametrize(
    "frames, success",
    [("1.2", True), ("2.1", True), ("2.1.", False), ("1", False), (".b", False), ("1.1", False)],
)
def test_either_goal_may_be_first(frames, success):
    assert play(frames, either_first=True) is success


@pytest.mark.parametrize(
    "frames, success",
    [
        ("1112", True),
        ("112", False),  # two frames are a wait of one step
        ("11.12", False),  # an interruption restarts the wait
        ("11.1112", True),
        ("1122", False),
        ("11b2", True),
    ],
)
def test_wait_requires_consecutive_frames(frames, success):
    assert play(frames, wait=2) is success


def test_wait_is_at_the_goal_visited_first():
    assert play("22211", wait=2, either_first=True)
    assert not play("2211", wait=2, either_first=True)


def directly(within, wait, either_first):
    """Implements the criterion directly: an earlier run at one goal, the end at the other."""
    orders = [(0, 1), (1, 0)] if either_first else [(0, 1)]
    last = len(within) - 1
    return any(
        within[last][second]
        and any(all(f[first] for f in within[i : i + wait + 1]) for i in range(last - wait))
        for first, second in orders
    )


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12),
    st.integers(0, 3),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_agrees_with_a_direct_implementation(within, wait, either_first):
    letters = {(False, False): ".", (True, False): "1", (False, True): "2", (True, True): "b"}
    frames = "".join(letters[pair] for pair in within)
    assert play(frames, wait, either_first) is directly(within, wait, either_first)


def test_rows_are_independent():
    """Rows without a new frame do not change, and a restarted row is cleared."""
    visits = GoalVisits(3, 0, False)
    both = np.array([[NEAR, FAR], [NEAR, FAR], [NEAR, FAR]])
    visits.observe(both, np.array([True, True, False]))
    visits.restart(np.array([False, True, False]))
    visits.observe(both[:, ::-1], np.array([True, True, True]))
    np.testing.assert_array_equal(visits.accomplished, [True, False, False])
    visits.observe(both, np.array([False, True, True]))
    np.testing.assert_array_equal(visits.accomplished, [True, False, False])
