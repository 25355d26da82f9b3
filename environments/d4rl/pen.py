"""Pen: turn a pen in the hand."""

from __future__ import annotations

import gin
import mujoco
import numpy as np

from environments.d4rl.adroit import AdroitEnvironment, Outcome, distance
from environments.d4rl.rendering import Camera

_NEAR = 0.075  # metres from where the pen should be
_SIMILAR, _ALIKE = 0.9, 0.95  # cosines of the angle to where it should point
_DROPPED = 0.075  # metres of height


@gin.configurable
class PenEnvironment(AdroitEnvironment):
    """Turn the pen in the hand until it points where the target does (`pen-human-v0`).

    Observation, float32 [45]: joints of the hand [24] (radians), position [3] (metres) and velocity
    [6] of the pen, where it points [3] and should point [3] (unit vectors), from where it should be
    to where it is [3] (metres), and the difference of the two directions [3]. Action: float32 [24];
    the forearm is fixed.

    Reward: -distance from where it should be + cosine of the angle between the directions; within
    0.075 m 10 and 50 more where the cosine is above 0.9 and 0.95. At the goal: both, and 0.95; more
    than 20 steps of it are a success.

    Dropped below 0.075 m the episode is over, at 5 less; else after 100 steps. The target begins
    turned by -1…1 radians about x and then about y.
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

    def _place(self, rng: np.random.Generator) -> None:
        turns = np.append(rng.uniform(-1.0, 1.0, 2), 0.0)
        mujoco.mju_euler2Quat(self._simulation.model.body("target").quat, turns, "xyz")

    def _recreate(self, observation: np.ndarray) -> None:
        # The pen lies where it always does; how a target is turned about itself is not observed.
        self._simulation.data.qpos[:24] = observation[:24]
        mujoco.mju_quatZ2Vec(self._simulation.model.body("target").quat, observation[36:39])

    def _observe(self) -> np.ndarray:
        data = self._simulation.data
        direction, wanted = self._directions()
        return np.concatenate(
            [
                data.qpos[:-6],
                self._pen,
                data.qvel[-6:],
                direction,
                wanted,
                self._pen - self._goal,
                direction - wanted,
            ]
        )

    def _assess(self) -> Outcome:
        direction, wanted = self._directions()
        away, similarity = distance(self._pen, self._goal), float(direction @ wanted)
        near, dropped = away < _NEAR, bool(self._pen[2] < _DROPPED)
        reward = (
            -away
            + similarity
            + 10.0 * (near and similarity > _SIMILAR)
            + 50.0 * (near and similarity > _ALIKE)
            - 5.0 * dropped
        )
        return Outcome(reward, near and similarity > _ALIKE, dropped)

    def _directions(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the pen points and where it should: float64 [3] each."""
        (top, bottom), (target_top, target_bottom) = self._tips, self._target_tips
        return (top - bottom) / self._length, (target_top - target_bottom) / self._target_length
