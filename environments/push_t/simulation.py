"""The physics of Push-T, simulated by pymunk."""

from __future__ import annotations

import numpy as np
import pymunk

from environments.push_t import geometry

STEP_SECONDS = 0.1
_SUBSTEPS = 10
_SUBSTEP_SECONDS = STEP_SECONDS / _SUBSTEPS
_POSITION_GAIN, _VELOCITY_GAIN = 100.0, 20.0  # 1/s², 1/s: the disc is critically damped
_MASS = 1.0


class Simulation:
    """A disc that a PD controller moves, and a block without inertia between contacts.

    The state is the start and the set points since then, because the solver's cache of contacts
    cannot be copied; `restore` executes the set points again.
    """

    def __init__(self) -> None:
        self._start: tuple[np.ndarray, geometry.Pose] | None = None
        self._set_points: list[np.ndarray] = []

    @property
    def disc(self) -> np.ndarray:
        """Position of the disc, float64 [2], in pixels."""
        return np.array(self._disc.position)

    @property
    def block(self) -> geometry.Pose:
        """Pose of the block. The angle is unbounded."""
        position = self._block.position
        return geometry.Pose(position.x, position.y, self._block.angle)

    def reset(self, disc: np.ndarray, block: geometry.Pose) -> None:
        """Places the disc and the block at rest.

        Args:
            disc: Position of the disc, [2], in pixels.
            block: Pose of the block.
        """
        self._start, self._set_points = (np.array(disc, np.float64), block), []
        self._space = pymunk.Space()
        # All velocities of dynamic bodies are lost in each substep, as with strong friction.
        self._space.damping = 0.0
        self._space.add(*_walls(self._space.static_body))
        self._disc = pymunk.Body(body_type=pymunk.Body.KINEMATIC)
        self._block, bars = _make_block()
        # The published simulation adds its bodies here and then moves them. The order of contacts
        # depends on it, and in rare starts with a contact so does the motion.
        self._disc.position = pymunk.Vec2d(256.0, 400.0)
        self._block.position = pymunk.Vec2d(256.0, 300.0)
        self._space.add(self._disc, pymunk.Circle(self._disc, geometry.DISC_RADIUS))
        self._space.add(self._block, *bars)
        self._disc.position = pymunk.Vec2d(*map(float, disc))
        # A rotation is about the center of gravity and moves the position, which is set afterwards.
        self._block.angle = float(block.angle)
        self._block.position = pymunk.Vec2d(float(block.x), float(block.y))
        self._space.step(_SUBSTEP_SECONDS)

    def advance(self, set_point: np.ndarray) -> None:
        """Simulates one step of 0.1 s.

        Args:
            set_point: Position to which the controller moves the disc, [2], in pixels.
        """
        self._set_points.append(np.array(set_point, np.float64))
        target = pymunk.Vec2d(*map(float, set_point))
        for _ in range(_SUBSTEPS):
            acceleration = (
                _POSITION_GAIN * (target - self._disc.position)
                - _VELOCITY_GAIN * self._disc.velocity
            )
            self._disc.velocity += acceleration * _SUBSTEP_SECONDS
            self._space.step(_SUBSTEP_SECONDS)

    def save(self) -> tuple:
        """Returns the state as an immutable value."""
        return self._start, tuple(self._set_points)

    def restore(self, saved: tuple) -> None:
        """Restores a value that `save` returned, bit by bit."""
        start, set_points = saved
        if start is None:
            self._start, self._set_points = None, []
            return
        self.reset(*start)
        for set_point in set_points:
            self.advance(set_point)


def rest_pose(x: float, y: float, angle: float) -> geometry.Pose:
    """Returns the pose of a block that is placed at (x, y) upright and then turned.

    The turn is about the center of gravity. Published initial states are drawn in this way.
    """
    block, _ = _make_block()
    block.position = pymunk.Vec2d(x, y)
    block.angle = angle
    return geometry.Pose(*block.position, block.angle)


def _make_block() -> tuple[pymunk.Body, list[pymunk.Poly]]:
    # The moment of inertia of the published simulation: twice that of the horizontal bar.
    moment = 2 * pymunk.moment_for_poly(_MASS, geometry.BARS[0].tolist())
    block = pymunk.Body(_MASS, moment)
    bars = [pymunk.Poly(block, bar.tolist()) for bar in geometry.BARS]
    # The mean of the centers of the bars, although the bars have different areas.
    block.center_of_gravity = (bars[0].center_of_gravity + bars[1].center_of_gravity) / 2
    return block, bars


def _walls(body: pymunk.Body) -> list[pymunk.Segment]:
    low, high = geometry.WALL_LOW, geometry.WALL_HIGH
    corners = [(low, high), (low, low), (high, low), (high, high)]
    ends = zip(corners, corners[1:] + corners[:1], strict=True)
    return [pymunk.Segment(body, start, end, geometry.WALL_RADIUS) for start, end in ends]
