"""The pushing tasks: objects, distributions of initial poses, and subgoals."""

from __future__ import annotations

import abc
import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import gin
import numpy as np

from environments.block_pushing import bodies
from environments.block_pushing.scene import Layout, Pose, Scene

_BLOCKS = (bodies.block(bodies.RED), bodies.block(bodies.YELLOW))
_ZONES = (bodies.zone(bodies.GREEN), bodies.zone(bodies.BLUE))

# Center and half width of the uniform initial positions (m) and angles (rad).
_BLOCK_CENTER, _BLOCK_SPREAD = (0.4, -0.2), (0.1, 0.15)
_ZONE_CENTER, _ZONE_SPREAD = (0.4, 0.2), (0.1, 0.15)
_ZONE_YAW_SPREAD = np.pi / 6


class Task(abc.ABC):
    """A task with one or more subgoals. It holds no state of an episode."""

    name: ClassVar[str]
    max_episode_steps: ClassVar[int]
    blocks: ClassVar[Sequence[bodies.Body]]
    zones: ClassVar[Sequence[bodies.Body]]
    # Default distance in m at which a subgoal is reached.
    tolerance: ClassVar[float] = 0.01
    # Contact force in N that stops the arm.
    force_limit: ClassVar[float] = math.inf

    def __init__(self):  # noqa: B027, because gin accepts any binding without a constructor.
        """Creates the task, which has no settings."""

    @abc.abstractmethod
    def layout(self, rng: np.random.Generator) -> Layout:
        """Samples the initial poses."""

    @abc.abstractmethod
    def distances(self, scene: Scene, num_completed: int) -> np.ndarray:
        """Computes the distance to each subgoal.

        Args:
            scene: The scene at the current step.
            num_completed: Number of subgoals already completed, in tasks with ordered subgoals.

        Returns:
            Float64 [number of subgoals], in meters.
        """


@gin.configurable
class SingleTarget(Task):
    """Push the block into the zone.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Table 3.
        https://arxiv.org/abs/2109.00137
    """

    name = "pushing"
    max_episode_steps = 100
    blocks = _BLOCKS[:1]
    zones = _ZONES[:1]

    def layout(self, rng: np.random.Generator) -> Layout:
        """Samples the initial poses."""
        return Layout([_sample_block(rng)], [_sample_zone(rng, _ZONE_CENTER, _ZONE_SPREAD)])

    def distances(self, scene: Scene, num_completed: int) -> np.ndarray:
        """Computes the distance from the block to the zone, float64 [1], in meters."""
        del num_completed
        return _distances(scene.blocks, scene.zones)


@gin.configurable
class Reach(Task):
    """Move the effector over the zone. There is no block."""

    name = "pushing_reach"
    max_episode_steps = 50
    blocks = ()
    zones = _ZONES[:1]

    def layout(self, rng: np.random.Generator) -> Layout:
        """Samples the initial poses."""
        return Layout([], [_sample_zone(rng, _ZONE_CENTER, _ZONE_SPREAD)])

    def distances(self, scene: Scene, num_completed: int) -> np.ndarray:
        """Computes the distance from the effector to the zone, float64 [1], in meters."""
        del num_completed
        return np.array([np.linalg.norm(scene.effector - scene.zones[0].position)])


@gin.configurable
class Discontinuous(Task):
    """Push the block into the first zone, and then into the second zone.

    The demonstrated action is discontinuous where the block reaches the first zone.
    """

    name = "pushing_discontinuous"
    max_episode_steps = 200
    blocks = _BLOCKS[:1]
    zones = _ZONES

    def layout(self, rng: np.random.Generator) -> Layout:
        """Samples the initial poses."""
        block = _sample_block(rng)
        # The range in y is smaller than in SingleTarget, so that the arm reaches the second zone.
        zones = [_sample_zone(rng, (0.4, y), (0.1, 0.05)) for y in (0.0, 0.4)]
        return Layout([block], zones)

    def distances(self, scene: Scene, num_completed: int) -> np.ndarray:
        """Computes the distances to the subgoals, float64 [2], in meters.

        They are block to first zone and first zone to second zone. After the first zone was
        reached, they are 0 and block to second zone.
        """
        block, (first, second) = scene.blocks[0], scene.zones
        if num_completed:
            return np.array([0.0, *_distances([block], [second])])
        return _distances([block, first], [first, second])


@gin.configurable
class Multimodal(Task):
    """Push two blocks into two zones, in any assignment and order."""

    name = "pushing_multimodal"
    max_episode_steps = 200
    blocks = _BLOCKS
    zones = _ZONES

    def layout(self, rng: np.random.Generator) -> Layout:
        """Samples the initial poses, with blocks 0.1 m and zones 0.12 m apart in x."""
        blocks = _sample_apart(lambda: _sample_block(rng), 0.1)
        zones = _sample_apart(lambda: _sample_zone(rng, _ZONE_CENTER, _ZONE_SPREAD), 0.12)
        return Layout(blocks, zones)

    def distances(self, scene: Scene, num_completed: int) -> np.ndarray:
        """Computes the distances from blocks to zones in the best assignment, float64 [2], in m."""
        del num_completed
        assignments = itertools.permutations(scene.zones)
        return min((_distances(scene.blocks, zones) for zones in assignments), key=np.sum)


@gin.configurable
class Insert(Task):
    """Push the block into a slot that is 1 mm wider than the block.

    The task follows the insertion with a real arm in the paper. The target pose is that of a block
    in the slot that touches its back wall. The opening faces the y axis of the target. A contact
    force above 2 N stops the arm.

    The distance is the maximum over the corners of the block, minimized over the four symmetric
    orientations of a cube. It includes the rotation outside the slot, and equals the remaining
    depth inside.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021. https://arxiv.org/abs/2109.00137
    """

    name = "pushing_insert"
    max_episode_steps = 200
    blocks = _BLOCKS[:1]
    zones = (bodies.slot(bodies.GREEN),)
    tolerance = 0.002
    force_limit = 2.0

    def layout(self, rng: np.random.Generator) -> Layout:
        """Samples the initial poses.

        The slot is at least 0.2 m from the block in y and is rotated by at most 15 degrees. The
        block therefore approaches the opening in a straight line, and the arm can move behind it.
        """
        slot = _sample_zone(rng, (0.4, 0.25), (0.1, 0.1), np.pi / 12)
        return Layout([_sample_block(rng)], [slot])

    def distances(self, scene: Scene, num_completed: int) -> np.ndarray:
        """Computes the distance of the corners of block and target, float64 [1], in meters."""
        del num_completed
        block, slot = _corners(scene.blocks[0]), _corners(scene.zones[0])
        orientations = (np.roll(block, shift, axis=0) for shift in range(4))
        return np.array([min(np.linalg.norm(o - slot, axis=1).max() for o in orientations)])


@dataclasses.dataclass(frozen=True)
class Progress:
    """The progress of an episode.

    Attributes:
        distances: Distance to each subgoal, in meters.
        num_completed: Number of ordered subgoals completed so far.
        initial_distance: Sum of the distances at the start of the episode, in meters.
        closed_fraction: Maximum so far of the closed fraction of `initial_distance`, in [0, 1].
        success: Whether all subgoals are within the tolerance.
    """

    distances: np.ndarray
    num_completed: int
    initial_distance: float
    closed_fraction: float
    success: bool

    @classmethod
    def begin(cls, task: Task, scene: Scene) -> Progress:
        """Returns the progress at the start of an episode."""
        distances = task.distances(scene, 0)
        return cls(distances, 0, float(distances.sum()), 0.0, False)

    def after(self, task: Task, scene: Scene, tolerance: float) -> Progress:
        """Returns the progress after one more step.

        Args:
            task: The task of the episode.
            scene: The scene after the step.
            tolerance: Maximum distance at which a subgoal is reached, in meters.

        Returns:
            The new progress.
        """
        distances = task.distances(scene, self.num_completed)
        num_completed = self.num_completed
        if num_completed < len(distances) - 1 and distances[num_completed] <= tolerance:
            num_completed += 1
            distances = task.distances(scene, num_completed)
        closed = 1.0 - float(distances.sum()) / self.initial_distance
        return Progress(
            distances,
            num_completed,
            self.initial_distance,
            max(self.closed_fraction, closed),
            bool(np.all(distances <= tolerance)),
        )


def _sample_block(rng: np.random.Generator) -> Pose:
    return Pose(_sample_near(rng, _BLOCK_CENTER, _BLOCK_SPREAD), rng.uniform(0.0, np.pi))


def _sample_zone(
    rng: np.random.Generator,
    center: tuple[float, float],
    spread: tuple[float, float],
    yaw_spread: float = _ZONE_YAW_SPREAD,
) -> Pose:
    yaw = np.pi + rng.uniform(-yaw_spread, yaw_spread)
    return Pose(_sample_near(rng, center, spread), _wrap(yaw))


def _sample_near(rng: np.random.Generator, center, spread) -> np.ndarray:
    return np.array(center) + rng.uniform(-1.0, 1.0, 2) * spread


def _sample_apart(sample: Callable[[], Pose], distance: float) -> list[Pose]:
    while True:
        first, second = sample(), sample()
        if abs(first.position[0] - second.position[0]) >= distance:
            return [first, second]


def _distances(starts: Sequence[Pose], ends: Sequence[Pose]) -> np.ndarray:
    return np.array(
        [np.linalg.norm(a.position - b.position) for a, b in zip(starts, ends, strict=True)]
    )


def _corners(pose: Pose) -> np.ndarray:
    """Computes the corners of a block in counterclockwise order, float64 [4, 2], in meters."""
    angles = pose.yaw + np.pi / 4 + np.pi / 2 * np.arange(4)
    return pose.position + bodies.BLOCK_SIDE / np.sqrt(2) * np.stack(
        [np.cos(angles), np.sin(angles)], axis=1
    )


def _wrap(angle: float) -> float:
    """Wraps an angle to [-pi, pi]."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)
