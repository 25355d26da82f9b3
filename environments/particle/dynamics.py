"""Dynamics of a unit mass in N dimensions under a PD controller."""

from __future__ import annotations

import functools

import numpy as np

STIFFNESS = 10.0  # 1/s²
DAMPING = 5.0  # 1/s
TIME_STEP = 0.005  # s, the integration step
PHYSICS_STEPS = 10  # integration steps per action, so actions have 20 Hz

# After this many actions the slowest mode, exp(-2.5 t), is below float64 rounding.
_HORIZON = 400


def simulate(
    position: np.ndarray, velocity: np.ndarray, set_point: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Integrates the motion under a constant set point for one action (0.05 s).

    The integrator is explicit Euler on x'' = 10 (a - x) - 5 x'. All operations are elementwise, so
    the result of a row does not depend on other rows.

    Args:
        position: Float64 [..., N].
        velocity: Float64 [..., N], in 1/s.
        set_point: Float [..., N].

    Returns:
        New arrays of position and velocity after `PHYSICS_STEPS` integration steps.
    """
    for _ in range(PHYSICS_STEPS):
        acceleration = STIFFNESS * (set_point - position) - DAMPING * velocity
        position = position + TIME_STEP * velocity
        velocity = velocity + TIME_STEP * acceleration
    return position, velocity


@functools.cache
def reachable_bounds() -> tuple[tuple[float, float], tuple[float, float]]:
    """Computes the exact range of position and velocity over all starts and action sequences.

    Start positions and set points are in [0, 1], and the start velocity is 0. The dimensions are
    independent and the motion is linear. With y = x - 1/2, the maximum of |y| after k actions is
    therefore half the sum of the absolute responses to the start and to each of the k set points. A
    set point that switches between 0 and 1 attains it. The bound is the maximum over k. It lies
    beyond [0, 1] because the controller is slightly underdamped.

    Returns:
        ((minimum, maximum) position, (minimum, maximum) velocity in 1/s).
    """
    # The columns are the responses to a unit position and a unit velocity.
    transition = np.stack(simulate(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.zeros(2)))
    response = np.stack(simulate(np.zeros(1), np.zeros(1), np.ones(1)))[:, 0]
    start = np.array([1.0, 0.0])
    reach = np.zeros(2)
    farthest = np.zeros(2)
    for _ in range(_HORIZON):
        farthest = np.maximum(farthest, 0.5 * (np.abs(start) + reach))
        reach = reach + np.abs(response)
        start, response = transition @ start, transition @ response
    return (0.5 - farthest[0], 0.5 + farthest[0]), (-farthest[1], farthest[1])
