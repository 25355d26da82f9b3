"""The environment of Push-T."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gin
import numpy as np
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts
from typing_extensions import override

from environments.base import Environment
from environments.push_t import geometry, rendering, simulation
from ibc_agents.core import setting_checks

_IMAGE_SIZE = 96  # pixels, of the published data
_VIDEO_SIZE = 256  # pixels
_SUCCESS_OVERLAP = 0.95
# A critically damped disc follows set points on the plane; rounding adds less than a pixel.
_DISC_LOW, _DISC_HIGH = -8.0, geometry.SIZE + 8.0
# A disc can press the block, which is 120 pixels long, across the walls.
_BLOCK_LOW, _BLOCK_HIGH = -256.0, geometry.SIZE + 256.0


def _bounded(shape, low, high, name: str) -> array_spec.BoundedArraySpec:
    return array_spec.BoundedArraySpec(shape, np.float32, low, high, name)


class _View(NamedTuple):
    """How an observation describes the block.

    Attributes:
        spec: Spec of the leaf, whose name is its key.
        observe: Returns the leaf for the position of the disc and the pose of the block.
    """

    spec: array_spec.BoundedArraySpec
    observe: Callable[[np.ndarray, geometry.Pose], np.ndarray]


def _observe_pose(disc: np.ndarray, block: geometry.Pose) -> np.ndarray:
    del disc
    return np.array([block.x, block.y, block.angle % (2 * np.pi)], np.float32)


def _observe_keypoints(disc: np.ndarray, block: geometry.Pose) -> np.ndarray:
    del disc
    return block.transform(geometry.KEYPOINTS).ravel().astype(np.float32)


def _observe_image(disc: np.ndarray, block: geometry.Pose) -> np.ndarray:
    return rendering.draw(disc, block, _IMAGE_SIZE)


_LOW_POSE, _HIGH_POSE = [_BLOCK_LOW, _BLOCK_LOW, 0.0], [_BLOCK_HIGH, _BLOCK_HIGH, 2 * np.pi]
_NUM_COORDINATES = geometry.KEYPOINTS.size
_IMAGE_SHAPE = (_IMAGE_SIZE, _IMAGE_SIZE, 3)
_VIEWS = {
    "states": _View(_bounded([3], _LOW_POSE, _HIGH_POSE, "block_pose"), _observe_pose),
    "keypoints": _View(
        _bounded([_NUM_COORDINATES], _BLOCK_LOW, _BLOCK_HIGH, "keypoint"), _observe_keypoints
    ),
    "pixels": _View(
        array_spec.BoundedArraySpec(_IMAGE_SHAPE, np.uint8, 0, 255, "image"), _observe_image
    ),
}


@gin.configurable
class PushTEnvironment(Environment):
    """A disc pushes a T-shaped block onto a target pose, on a plane of 512 × 512 pixels.

    Action: float32 [2] in [0, 512], the set point of the disc in pixels. A step is 0.1 s.

    Observation, float32: `agent_pos` [2], the position of the disc in pixels, and, by
    `observation`,

    - "states": `block_pose` [3], the position of the block in pixels and its angle in radians in
      [0, 2π].
    - "keypoints": `keypoint` [18], the positions of nine points of the block in pixels.
    - "pixels": `image`, uint8 [96, 96, 3].

    The keys are those of the published data. Reward: the increase of the largest score so far, so
    that the return of an episode is its largest score. The score is the covered fraction of the
    target, divided by 0.95 and clipped at 1. Success: the block covers more than 0.95 of the
    target, which terminates the episode with discount 0. An episode of 300 steps ends with
    discount 1.

    Args:
        observation: "states", "keypoints" or "pixels".

    Raises:
        SettingError: If `observation` has another value.

    References:
        Chi et al., "Diffusion Policy: Visuomotor Policy Learning via Action Diffusion", 2023,
        Sec. V. https://arxiv.org/abs/2303.04137

    Examples:
        >>> environment = PushTEnvironment()
        >>> environment.seed(0)
        >>> sorted(environment.reset().observation)
        ['agent_pos', 'block_pose']
    """

    def __init__(self, observation: str = "states") -> None:
        super().__init__()
        self._kind = setting_checks.check_choice(
            "PushTEnvironment.observation", observation, _VIEWS
        )
        self._view = _VIEWS[self._kind]
        self._simulation = simulation.Simulation()
        self._best_score = 0.0
        self._overlap = 0.0
        self._step_count = 0
        self._observation_spec = {
            "agent_pos": _bounded([2], _DISC_LOW, _DISC_HIGH, "agent_pos"),
            self._view.spec.name: self._view.spec,
        }
        self._action_spec = _bounded([2], 0.0, float(geometry.SIZE), "action")

    @property
    @override
    def name(self) -> str:
        return f"push_t_{self._kind}"

    @property
    @override
    def max_episode_steps(self) -> int:
        return 300

    @property
    @override
    def success(self) -> bool:
        return self._overlap > _SUCCESS_OVERLAP

    @override
    def observation_spec(self) -> Any:
        return self._observation_spec

    @override
    def action_spec(self) -> Any:
        return self._action_spec

    def reset_to(self, agent_pos: np.ndarray, block_pose: np.ndarray) -> ts.TimeStep:
        """Begins an episode at rest in a given state.

        Executing the actions of a recorded episode then reproduces it.

        Args:
            agent_pos: Position of the disc, float [2], in pixels.
            block_pose: Position of the block in pixels and its angle in radians, float [3].

        Returns:
            The FIRST time step.
        """
        self.reset()
        x, y, angle = map(float, block_pose)
        self._current_time_step = self._begin_at(agent_pos, geometry.Pose(x, y, angle))
        return self._current_time_step

    def _begin(self, rng: np.random.Generator) -> ts.TimeStep:
        # The published distribution of initial states.
        disc = rng.integers(50, 450, size=2)
        x, y = map(float, rng.integers(100, 400, size=2))
        angle = rng.standard_normal() * 2 * np.pi - np.pi
        return self._begin_at(disc, simulation.rest_pose(x, y, angle))

    def _begin_at(self, disc: np.ndarray, block: geometry.Pose) -> ts.TimeStep:
        self._simulation.reset(disc, block)
        self._step_count, self._best_score = 0, 0.0
        self._overlap = geometry.overlap(self._simulation.block)
        return ts.restart(self._observe())

    def _advance(self, action: np.ndarray) -> ts.TimeStep:
        self._simulation.advance(action)
        self._step_count += 1
        self._overlap = geometry.overlap(self._simulation.block)
        score = min(self._overlap / _SUCCESS_OVERLAP, 1.0)
        reward = max(score - self._best_score, 0.0)
        self._best_score += reward
        if self.success:
            return ts.termination(self._observe(), reward)
        if self._step_count == self.max_episode_steps:
            return ts.truncation(self._observe(), reward)
        return ts.transition(self._observe(), reward)

    def _observe(self) -> dict[str, np.ndarray]:
        disc, block = self._simulation.disc, self._simulation.block
        return {
            "agent_pos": disc.astype(np.float32),
            self._view.spec.name: self._view.observe(disc, block),
        }

    def _save(self) -> Any:
        return self._simulation.save(), self._step_count, self._best_score, self._overlap

    def _restore(self, saved: Any) -> None:
        state, self._step_count, self._best_score, self._overlap = saved
        self._simulation.restore(state)

    def _render(self) -> np.ndarray:
        return rendering.draw(self._simulation.disc, self._simulation.block, _VIDEO_SIZE)
