"""The pushing tasks: what lies on the table, where episodes begin, and what is to be done."""

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

# Where things begin: centre and half width of uniform draws, metres and radians.
_BLOCK_CENTRE, _BLOCK_SPREAD = (0.4, -0.2), (0.1, 0.15)
_ZONE_CENTRE, _ZONE_SPREAD = (0.4, 0.2), (0.1, 0.15)
_ZONE_YAW_SPREAD = np.pi / 6


class Task(abc.ABC):
    """What is to be done on the table, in one or several legs; holds no episode's state."""

    name: ClassVar[str]
    max_episode_steps: ClassVar[int]
    blocks: ClassVar[Sequence[bodies.Body]]
    zones: ClassVar[Sequence[bodies.Body]]
    # At which a leg is at its end where the environment is told no other, metres.
    tolerance: ClassVar[float] = 0.01
    # Newtons that stop the arm.
    force_limit: ClassVar[float] = math.inf

    def __init__(self):  # noqa: B027, as without it gin would let settings of any name pass.
        """Creates the task, which has no settings."""

    @abc.abstractmethod
    def layout(self, rng: np.random.Generator) -> Layout:
        """Draws where an episode begins."""

    @abc.abstractmethod
    def to_go(self, scene: Scene, finished: int) -> np.ndarray:
        """How far each leg is from its end: float64 [legs], metres.

        Args:
            scene: as it is now.
            finished: the legs that had their end already, in tasks whose legs come in turn.
        """


@gin.configurable
class SingleTarget(Task):
    """Push the block into the zone (paper, Table 3)."""

    name = "pushing"
    max_episode_steps = 100
    blocks = _BLOCKS[:1]
    zones = _ZONES[:1]

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draws where an episode begins."""
        return Layout([_draw_block(rng)], [_draw_zone(rng, _ZONE_CENTRE, _ZONE_SPREAD)])

    def to_go(self, scene: Scene, finished: int) -> np.ndarray:
        """From the block to the zone."""
        del finished
        return _distances(scene.blocks, scene.zones)


@gin.configurable
class Reach(Task):
    """Bring the effector over the zone; there is nothing to push."""

    name = "pushing_reach"
    max_episode_steps = 50
    blocks = ()
    zones = _ZONES[:1]

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draws where an episode begins."""
        return Layout([], [_draw_zone(rng, _ZONE_CENTRE, _ZONE_SPREAD)])

    def to_go(self, scene: Scene, finished: int) -> np.ndarray:
        """From the effector to the zone."""
        del finished
        return np.array([np.linalg.norm(scene.effector - scene.zones[0].position)])


@gin.configurable
class Discontinuous(Task):
    """Push the block into the first zone, then on into the second: what to do changes at once."""

    name = "pushing_discontinuous"
    max_episode_steps = 200
    blocks = _BLOCKS[:1]
    zones = _ZONES

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draws where an episode begins."""
        block = _draw_block(rng)
        # Narrower in y than the single target's, so that the second stays within the arm's reach.
        zones = [_draw_zone(rng, (0.4, y), (0.1, 0.05)) for y in (0.0, 0.4)]
        return Layout([block], zones)

    def to_go(self, scene: Scene, finished: int) -> np.ndarray:
        """From the block to the first zone and from there to the second; then to the second."""
        block, (first, second) = scene.blocks[0], scene.zones
        if finished:
            return np.array([0.0, *_distances([block], [second])])
        return _distances([block, first], [first, second])


@gin.configurable
class Multimodal(Task):
    """Push two blocks into two zones, either into either, in any order."""

    name = "pushing_multimodal"
    max_episode_steps = 200
    blocks = _BLOCKS
    zones = _ZONES

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draws where an episode begins: blocks 0.1 m apart in x or more, zones 0.12 m."""
        blocks = _draw_apart(lambda: _draw_block(rng), 0.1)
        zones = _draw_apart(lambda: _draw_zone(rng, _ZONE_CENTRE, _ZONE_SPREAD), 0.12)
        return Layout(blocks, zones)

    def to_go(self, scene: Scene, finished: int) -> np.ndarray:
        """From each block to its zone, as they are assigned best."""
        del finished
        assignments = itertools.permutations(scene.zones)
        return min((_distances(scene.blocks, zones) for zones in assignments), key=np.sum)


@gin.configurable
class Insert(Task):
    """Push the block into a slot that leaves 1 mm, as in the paper's insertion with a real arm.

    The target's pose is that of a block that sits in the slot, against its back wall; the mouth
    opens in the direction of the target's own y. The arm stops where more than 2 N resist it.

    To go is the longest way that a corner of the block has to its place, so turning counts too; any
    of the four turns of a cube will do. In the slot it is the depth that is missing.
    """

    name = "pushing_insert"
    max_episode_steps = 200
    blocks = _BLOCKS[:1]
    zones = (bodies.slot(bodies.GREEN),)
    tolerance = 0.002
    force_limit = 2.0

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draws where an episode begins.

        The slot is at least 0.2 m beyond the block in y and turned by 15 degrees at most: the block
        has a run-up to the mouth, and the arm gets behind it.
        """
        slot = _draw_zone(rng, (0.4, 0.25), (0.1, 0.1), np.pi / 12)
        return Layout([_draw_block(rng)], [slot])

    def to_go(self, scene: Scene, finished: int) -> np.ndarray:
        """From the block's corners to the slot's."""
        del finished
        block, slot = _corners(scene.blocks[0]), _corners(scene.zones[0])
        ways = [np.linalg.norm(np.roll(block, turn, 0) - slot, axis=1).max() for turn in range(4)]
        return np.array([min(ways)])


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far an episode has come.

    Attributes:
        to_go: of each leg, metres.
        finished: legs that had their end, in order.
        at_first: metres to go when the episode began, all legs together.
        closed: the largest share of `at_first` that was ever closed, in [0, 1].
        success: whether every leg is at its end.
    """

    to_go: np.ndarray
    finished: int
    at_first: float
    closed: float
    success: bool

    @classmethod
    def begin(cls, task: Task, scene: Scene) -> Progress:
        """Of an episode that begins."""
        to_go = task.to_go(scene, 0)
        return cls(to_go, 0, float(to_go.sum()), 0.0, False)

    def after(self, task: Task, scene: Scene, tolerance: float) -> Progress:
        """One step later.

        Args:
            task: of the episode.
            scene: as it is now.
            tolerance: a leg is at its end when there is no more than this to go, metres.
        """
        to_go = task.to_go(scene, self.finished)
        finished = self.finished
        if finished < len(to_go) - 1 and to_go[finished] <= tolerance:
            finished += 1
            to_go = task.to_go(scene, finished)
        closed = max(self.closed, 1.0 - float(to_go.sum()) / self.at_first)
        success = bool(np.all(to_go <= tolerance))
        return Progress(to_go, finished, self.at_first, closed, success)


def _draw_block(rng: np.random.Generator) -> Pose:
    return Pose(_draw_near(rng, _BLOCK_CENTRE, _BLOCK_SPREAD), rng.uniform(0.0, np.pi))


def _draw_zone(
    rng: np.random.Generator,
    centre: tuple[float, float],
    spread: tuple[float, float],
    yaw_spread: float = _ZONE_YAW_SPREAD,
) -> Pose:
    yaw = np.pi + rng.uniform(-yaw_spread, yaw_spread)
    return Pose(_draw_near(rng, centre, spread), _wrap(yaw))


def _draw_near(rng: np.random.Generator, centre, spread) -> np.ndarray:
    return np.array(centre) + rng.uniform(-1.0, 1.0, 2) * spread


def _draw_apart(draw: Callable[[], Pose], distance: float) -> list[Pose]:
    while True:
        one, other = draw(), draw()
        if abs(one.position[0] - other.position[0]) >= distance:
            return [one, other]


def _distances(starts: Sequence[Pose], ends: Sequence[Pose]) -> np.ndarray:
    return np.array(
        [np.linalg.norm(a.position - b.position) for a, b in zip(starts, ends, strict=True)]
    )


def _corners(pose: Pose) -> np.ndarray:
    """The corners of a block: float64 [4, 2], metres, anticlockwise."""
    angles = pose.yaw + np.pi / 4 + np.pi / 2 * np.arange(4)
    return pose.position + bodies.BLOCK_SIDE / np.sqrt(2) * np.stack(
        [np.cos(angles), np.sin(angles)], axis=1
    )


def _wrap(angle: float) -> float:
    """The same angle in [-pi, pi]."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)
