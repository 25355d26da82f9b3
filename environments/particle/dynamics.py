"""A unit mass in N dimensions pulled to a set point by a PD controller."""

from __future__ import annotations

import functools

import numpy as np

STIFFNESS = 10.0  # 1/s²
DAMPING = 5.0  # 1/s
TIME_STEP = 0.005  # s, of the physics
PHYSICS_STEPS = 10  # an action: 20 Hz

# Enough actions for the slowest motion, exp(-2.5 t), to fall below float64 rounding.
_HORIZON = 400


def simulate(
    position: np.ndarray, velocity: np.ndarray, set_point: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Holds one set point for one action's time (0.05 s).

    Explicit Euler on x'' = 10 (a - x) - 5 x'. Every operation is elementwise, so a row's result
    does not depend on the rows beside it.

    Args:
        position: float64 [..., N].
        velocity: float64 [..., N], 1/s.
        set_point: float [..., N].

    Returns:
        Position and velocity after `PHYSICS_STEPS` steps, new arrays.
    """
    for _ in range(PHYSICS_STEPS):
        acceleration = STIFFNESS * (set_point - position) - DAMPING * velocity
        position = position + TIME_STEP * velocity
        velocity = velocity + TIME_STEP * acceleration
    return position, velocity


@functools.cache
def reachable_bounds() -> tuple[tuple[float, float], tuple[float, float]]:
    """The exact range of position and velocity over all starts and all action sequences.

    Start position and set points are in [0, 1], the start velocity is 0. Dimensions do not
    interact and the motion is linear, so with y = x - 1/2 the farthest reach after k actions is
    half the sum of the absolute responses to the start and to each of the k set points, which a
    set point that switches between 0 and 1 attains. The largest over k is the bound; the loop
    is slightly under-damped, so it lies beyond [0, 1].

    Returns:
        ((lowest, highest) position, (lowest, highest) velocity).
    """
    # Columns: response to a unit of position, to a unit of velocity, to a unit set point.
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
