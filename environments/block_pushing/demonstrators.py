"""Scripted demonstrators of the pushing tasks. They act on states, not on observations."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import gin
import numpy as np
from tf_agents.specs import array_spec
from typing_extensions import override

from environments.base import Environment, VectorEnvironment
from environments.block_pushing import inserting, pushing
from environments.block_pushing.environment import MAX_MOVE
from environments.demonstrator import Demonstrator
from ibc_agents.core import setting_checks

# A subgoal is reached slightly within the default tolerance of the environment (0.01 m).
_SUBGOAL_DISTANCE = 0.0095


class _PushingDemonstrator(Demonstrator):
    """The base class of the demonstrators, which adds action noise.

    Args:
        environment: Single or vector environment of the demonstrator's task.
        action_noise: Standard deviation of the Gaussian noise on each action element, in meters.

    Raises:
        SettingError: If `action_noise` is negative.
    """

    # Names of the bools in a row's memory. `_fresh_plan` sets them at FIRST, to False by default.
    plan_flags: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, environment: Environment | VectorEnvironment, action_noise: float = 0.0
    ) -> None:
        self._action_noise = setting_checks.check_number(
            f"{type(self).__name__}.action_noise", action_noise, setting_checks.NOT_NEGATIVE
        )
        memory_spec = {name: array_spec.ArraySpec((), bool, name) for name in self.plan_flags}
        memory_spec["noise_seed"] = array_spec.ArraySpec((), np.int64, "noise_seed")
        super().__init__(environment, memory_spec)

    @override
    def _fresh_memory(self, rng: np.random.Generator) -> dict[str, Any]:
        return {**self._fresh_plan(rng), "noise_seed": rng.integers(2**62)}

    @override
    def _act(self, states: Any, memory: Any) -> tuple[np.ndarray, Any]:
        rows = len(memory["noise_seed"])
        actions = np.zeros([rows, 2], np.float32)
        for row in range(rows):
            state = {key: value[row].astype(np.float64) for key, value in states.items()}
            plan = {key: value[row] for key, value in memory.items()}
            move = self._move(state, plan)
            for key, value in plan.items():
                memory[key][row] = value
            if self._action_noise:
                rng = np.random.default_rng(plan["noise_seed"])
                move = move + rng.normal(0.0, self._action_noise, 2)
            actions[row] = np.clip(move, -MAX_MOVE, MAX_MOVE)
        memory["noise_seed"] += 1
        return actions, memory

    def _fresh_plan(self, rng: np.random.Generator) -> dict[str, Any]:
        """Returns the plan of a row at FIRST."""
        del rng
        return dict.fromkeys(self.plan_flags, False)

    @abc.abstractmethod
    def _move(self, states: dict[str, np.ndarray], plan: dict[str, Any]) -> np.ndarray:
        """Returns a row's change of the set point [2], in meters. May change `plan`."""


@gin.configurable
class ReachDemonstrator(_PushingDemonstrator):
    """Moves the effector straight to the zone.

    Args:
        environment: Single or vector environment of the task `Reach`.
        action_noise: Standard deviation of the noise on each action element, in meters.
    """

    @override
    def _move(self, states: dict[str, np.ndarray], plan: dict[str, Any]) -> np.ndarray:
        return pushing.move_effector(states["effector_translation"], states["target_translation"])


@gin.configurable
class SingleTargetDemonstrator(_PushingDemonstrator):
    """Pushes the block into the zone.

    Args:
        environment: Single or vector environment of the task `SingleTarget`.
        action_noise: Standard deviation of the noise on each action element, in meters.
    """

    @override
    def _move(self, states: dict[str, np.ndarray], plan: dict[str, Any]) -> np.ndarray:
        return pushing.push(
            states["effector_translation"],
            states["block_translation"],
            states["target_translation"],
        )


@gin.configurable
class DiscontinuousDemonstrator(_PushingDemonstrator):
    """Pushes the block into the first zone and then into the second zone.

    Args:
        environment: Single or vector environment of the task `Discontinuous`.
        action_noise: Standard deviation of the noise on each action element, in meters.
    """

    plan_flags = ("first_zone_reached",)

    @override
    def _move(self, states: dict[str, np.ndarray], plan: dict[str, Any]) -> np.ndarray:
        block = states["block_translation"]
        plan["first_zone_reached"] |= _is_at(block, states["target_translation"])
        goal = states["target2_translation" if plan["first_zone_reached"] else "target_translation"]
        return pushing.push(states["effector_translation"], block, goal)


@gin.configurable
class MultimodalDemonstrator(_PushingDemonstrator):
    """Pushes one block into one zone, and then the other block into the other zone.

    Each episode samples the first block and its zone, which gives four modes.

    Args:
        environment: Single or vector environment of the task `Multimodal`.
        action_noise: Standard deviation of the noise on each action element, in meters.
    """

    plan_flags = ("swap_blocks", "swap_zones")

    @override
    def _fresh_plan(self, rng: np.random.Generator) -> dict[str, Any]:
        swap_blocks, swap_zones = rng.random(2) < 0.5
        return {"swap_blocks": swap_blocks, "swap_zones": swap_zones}

    @override
    def _move(self, states: dict[str, np.ndarray], plan: dict[str, Any]) -> np.ndarray:
        blocks = [states["block_translation"], states["block2_translation"]]
        zones = [states["target_translation"], states["target2_translation"]]
        if plan["swap_blocks"]:
            blocks.reverse()
        if plan["swap_zones"]:
            zones.reverse()
        index = int(_is_at(blocks[0], zones[0]))
        return pushing.push(
            states["effector_translation"], blocks[index], zones[index], others=[blocks[1 - index]]
        )


@gin.configurable
class InsertDemonstrator(_PushingDemonstrator):
    """Pushes the block into the slot. About 2 of 100 episodes exceed the step limit.

    Args:
        environment: Single or vector environment of the task `Insert`.
        action_noise: Standard deviation of the noise on each action element, in meters. The slot is
            1 mm wider than the block.
    """

    @override
    def _move(self, states: dict[str, np.ndarray], plan: dict[str, Any]) -> np.ndarray:
        effector = states["effector_translation"]
        step = inserting.insert(
            effector,
            states["block_translation"],
            states["block_orientation"][0],
            states["target_translation"],
            states["target_orientation"][0],
        )
        # Relative to the effector, so that the set point does not move on when a wall stops it.
        return effector + step - states["effector_target_translation"]


def _is_at(block: np.ndarray, zone: np.ndarray) -> bool:
    return bool(np.linalg.norm(block - zone) <= _SUBGOAL_DISTANCE)
