"""The pen task: rotate a pen in the hand."""

from __future__ import annotations

import gin
import mujoco
import numpy as np

from environments.d4rl.adroit import AdroitEnvironment, Outcome, distance
from environments.d4rl.rendering import Camera

_GOAL_DISTANCE = 0.075  # m
_NEAR_COSINE, _GOAL_COSINE = 0.9, 0.95  # cosines of the angle between pen and target
_DROP_HEIGHT = 0.075  # m


@gin.configurable
class PenEnvironment(AdroitEnvironment):
    """The pen task of D4RL (`pen-human-v0`): rotate a pen to the direction of a target.

    Observation, float32 [45]: the joints of the hand [24] (rad), the position [3] (m) and velocity
    [6] of the pen, the directions of pen [3] and target [3] (unit vectors), the position of the pen
    relative to its goal [3] (m), and the difference of the directions [3]. Action: float32 [24].
    The forearm is fixed.

    Reward: -|pen - goal| + cosine of the angle between the directions. Within 0.075 m of the goal,
    plus 10 and 50 if the cosine exceeds 0.9 and 0.95. Goal: within 0.075 m with a cosine above
    0.95. Success requires more than 20 steps at the goal.

    A pen below 0.075 m terminates the episode with an additional reward of -5. The step limit is
    100. The target is rotated about x and then about y by uniform angles in [-1, 1] rad.
    """

    name = "d4rl_pen"
    dataset = "pen-human-v0"
    max_episode_steps = 100
    model_file = "DAPG_pen.xml"
    observation_size = 45
    steps_at_goal = 20
    camera = Camera((0.05, -0.2, 0.22), 0.6, -45.0, -40.0)

    def __init__(self) -> None:
        super().__init__()
        data = self._simulation.data
        self._pen = data.body("Object").xpos
        self._goal = data.site("eps_ball").xpos
        self._tips = [data.site(name).xpos for name in ("object_top", "object_bottom")]
        self._target_tips = [data.site(name).xpos for name in ("target_top", "target_bottom")]
        sites = self._simulation.model.site
        self._length = distance(sites("object_top").pos, sites("object_bottom").pos)
        self._target_length = distance(sites("target_top").pos, sites("target_bottom").pos)

    def _sample_initial_state(self, rng: np.random.Generator) -> None:
        angles = np.append(rng.uniform(-1.0, 1.0, 2), 0.0)
        mujoco.mju_euler2Quat(self._simulation.model.body("target").quat, angles, "xyz")

    def _set_initial_state(self, observation: np.ndarray) -> None:
        # The initial pose of the pen is constant. The target's roll is not observed.
        self._simulation.data.qpos[:24] = observation[:24]
        mujoco.mju_quatZ2Vec(self._simulation.model.body("target").quat, observation[36:39])

    def _observe(self) -> np.ndarray:
        data = self._simulation.data
        direction, target_direction = self._directions()
        return np.concatenate(
            [
                data.qpos[:-6],
                self._pen,
                data.qvel[-6:],
                direction,
                target_direction,
                self._pen - self._goal,
                direction - target_direction,
            ]
        )

    def _evaluate(self) -> Outcome:
        direction, target_direction = self._directions()
        goal_distance = distance(self._pen, self._goal)
        cosine = float(direction @ target_direction)
        is_near = goal_distance < _GOAL_DISTANCE
        is_dropped = bool(self._pen[2] < _DROP_HEIGHT)
        reward = (
            -goal_distance
            + cosine
            + 10.0 * (is_near and cosine > _NEAR_COSINE)
            + 50.0 * (is_near and cosine > _GOAL_COSINE)
            - 5.0 * is_dropped
        )
        return Outcome(reward, is_near and cosine > _GOAL_COSINE, is_dropped)

    def _directions(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the unit vectors of pen and target, float64 [3] each."""
        (top, bottom), (target_top, target_bottom) = self._tips, self._target_tips
        return (top - bottom) / self._length, (target_top - target_bottom) / self._target_length
