"""The environment of the block-pushing tasks."""

from __future__ import annotations

from typing import Any

import gin
import numpy as np
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts
from typing_extensions import override

from environments.base import Environment
from environments.block_pushing import rendering, scene, tasks
from ibc_agents.core import errors, setting_checks

MAX_MOVE = 0.1  # m per step, of the set point
_SET_POINT_LOW, _SET_POINT_HIGH = np.array([0.15, -0.5]), np.array([0.7, 0.5])
# Bounds of the observations in m, equal to those of the published datasets.
_EFFECTOR_LOW, _EFFECTOR_HIGH = np.array([0.05, -0.6]), np.array([0.8, 0.6])
_MAX_DISTANCE = 5.0
_VIDEO_SIZE = (240, 320)  # height and width in pixels


@gin.configurable
class BlockPushingEnvironment(Environment):
    """An xArm6 that pushes blocks on a table, simulated by PyBullet.

    The end effector is a thin vertical cylinder. Action: float32 [2] in [-0.1, 0.1], the change of
    the set point in x and y, in meters. A step is 0.1 s. The set point is clipped to [0.15, 0.7] in
    x and [-0.5, 0.5] in y, and starts at (0.3, -0.4).

    Observation, float32, in meters and radians in [-pi, pi]: `effector_translation` [2],
    `effector_target_translation` [2] (the set point), `block_translation` [2] and
    `block_orientation` [1] of each block, and `target_translation` [2] and `target_orientation` [1]
    of each zone or slot. The keys of a second block or zone start with `block2_` or `target2_`.
    With `image_size` the observation contains `rgb`, uint8 [H, W, 3].

    Success: all subgoals of the task are within the tolerance, which terminates the episode with
    discount 0. An episode that reaches the step limit ends with discount 1. Reward: the maximum so
    far of the fraction of the initial distance that was closed, and 1 on success.

    Args:
        task: The task, by default `SingleTarget`.
        tolerance: Distance in meters at which a subgoal is reached. The default is that of the
            task: 0.01 for zones, 0.002 for the slot.
        image_size: (height, width) of `rgb` in pixels, or None to omit `rgb`.
        observe_states: Whether the observation contains positions and angles.
        camera: Camera of `rgb` and of videos.
        appearance: Visual appearance of table and arm.

    Raises:
        SettingError: If the observation would be empty, or an argument has a wrong type or is out
            of range.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Table 3.
        https://arxiv.org/abs/2109.00137
    """

    def __init__(
        self,
        task: tasks.Task | None = None,
        tolerance: float | None = None,
        image_size: tuple[int, int] | None = None,
        observe_states: bool = True,
        camera: rendering.Camera | None = None,
        appearance: rendering.Appearance | None = None,
    ) -> None:
        super().__init__()
        owner = "BlockPushingEnvironment"
        optional = setting_checks.check_optional_instance
        optional(f"{owner}.task", task, tasks.Task)
        optional(f"{owner}.camera", camera, rendering.Camera)
        optional(f"{owner}.appearance", appearance, rendering.Appearance)
        self._observe_states = setting_checks.check_flag(f"{owner}.observe_states", observe_states)
        self._image_size = None
        if image_size is not None:
            self._image_size = setting_checks.check_integers(
                f"{owner}.image_size", image_size, minimum=1, length=2
            )
        elif not observe_states:
            raise errors.SettingError(
                f"{owner}.observe_states must be True if there is no image_size, because the "
                "observation would be empty."
            )
        self._task = task or tasks.SingleTarget()
        self._tolerance = self._task.tolerance
        if tolerance is not None:
            self._tolerance = setting_checks.check_number(
                f"{owner}.tolerance", tolerance, setting_checks.POSITIVE
            )
        self._camera = camera or rendering.Camera()
        self._appearance = appearance or rendering.Appearance()
        self._scene = scene.Scene(
            self._task.blocks, self._task.zones, self._appearance, self._task.force_limit
        )
        self._scene.place(self._task.layout(np.random.default_rng(0)))
        self._set_point = scene.START
        self._step_count = 0
        self._progress: tasks.Progress | None = None
        self._observation_spec = self._make_observation_spec()
        self._action_spec = array_spec.BoundedArraySpec(
            (2,), np.float32, -MAX_MOVE, MAX_MOVE, "action"
        )

    @property
    @override
    def name(self) -> str:
        parts = [self._task.name]
        if self._image_size:
            parts.append("states_and_pixels" if self._observe_states else "pixels")
            parts.append("{}x{}".format(*self._image_size))
            parts += [self._camera.name, self._appearance.name]
        if self._tolerance != self._task.tolerance:
            parts.append(f"tolerance_{self._tolerance:g}")
        return "_".join(parts)

    @property
    @override
    def max_episode_steps(self) -> int:
        return self._task.max_episode_steps

    @property
    @override
    def success(self) -> bool:
        return self._progress is not None and self._progress.success

    @property
    def goal_distance(self) -> float:
        """The sum of the distances to all subgoals, in meters. NaN before the first episode."""
        return float(np.sum(self._progress.distances)) if self._progress else float("nan")

    @property
    @override
    def states(self) -> dict[str, np.ndarray]:
        """The observation with `observe_states`, independent of that option."""
        values: dict[str, Any] = {
            "effector_translation": self._scene.effector,
            "effector_target_translation": self._set_point,
        }
        for kind, poses in (("block", self._scene.blocks), ("target", self._scene.zones)):
            for pose, number in zip(poses, ("", "2"), strict=False):
                values[f"{kind}{number}_translation"] = pose.position
                values[f"{kind}{number}_orientation"] = [pose.yaw]
        return {key: np.asarray(value, np.float32) for key, value in values.items()}

    @override
    def observation_spec(self) -> Any:
        return self._observation_spec

    @override
    def action_spec(self) -> Any:
        return self._action_spec

    def close(self) -> None:
        """Closes the simulation."""
        self._scene.close()

    def _begin(self, rng: np.random.Generator) -> ts.TimeStep:
        self._scene.place(self._task.layout(rng))
        self._set_point = scene.START
        self._step_count = 0
        self._progress = tasks.Progress.begin(self._task, self._scene)
        return ts.restart(self._observe())

    def _advance(self, action: np.ndarray) -> ts.TimeStep:
        self._set_point = np.clip(self._set_point + action, _SET_POINT_LOW, _SET_POINT_HIGH)
        self._scene.advance(self._set_point)
        self._step_count += 1
        assert self._progress is not None
        self._progress = self._progress.after(self._task, self._scene, self._tolerance)
        if self._progress.success:
            return ts.termination(self._observe(), 1.0)
        reward = self._progress.closed_fraction
        if self._step_count == self.max_episode_steps:
            return ts.truncation(self._observe(), reward)
        return ts.transition(self._observe(), reward)

    def _observe(self) -> dict[str, np.ndarray]:
        observation = self.states if self._observe_states else {}
        if self._image_size:
            observation["rgb"] = self._scene.render(self._camera, *self._image_size)
        return observation

    def _save(self) -> Any:
        return self._scene.save(), self._set_point, self._step_count, self._progress

    def _restore(self, saved: Any) -> None:
        # These values are never changed in place, so they need no copies.
        snapshot, self._set_point, self._step_count, self._progress = saved
        self._scene.restore(snapshot)

    def _render(self) -> np.ndarray:
        return self._scene.render(self._camera, *_VIDEO_SIZE)

    def _make_observation_spec(self) -> dict[str, array_spec.BoundedArraySpec]:
        def spec(name: str, low: Any, high: Any, shape: Any = None, dtype: Any = np.float32) -> Any:
            shape = np.shape(low) if shape is None else shape
            return array_spec.BoundedArraySpec(shape, dtype, low, high, name)

        specs = {}
        if self._observe_states:
            for name in self.states:
                if name.startswith("effector"):
                    specs[name] = spec(name, _EFFECTOR_LOW, _EFFECTOR_HIGH)
                elif name.endswith("translation"):
                    specs[name] = spec(name, -_MAX_DISTANCE, _MAX_DISTANCE, [2])
                else:
                    specs[name] = spec(name, -np.pi, np.pi, [1])
        if self._image_size:
            specs["rgb"] = spec("rgb", 0, 255, [*self._image_size, 3], np.uint8)
        return specs
