"""Scripted demonstrators of the pushing tasks; they see positions, whatever is observed."""

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

# A leg is taken for finished a little within the environment's usual tolerance of 0.01 m.
_FINISHED = 0.0095


class _PushingDemonstrator(Demonstrator):
    """What they share: rows one by one, and noise.

    Args:
        environment: single or vector, of the task that is named.
        action_noise: standard deviation of the normal noise on each element of an action, metres.

    Raises:
        ValueError: if `action_noise` is negative.
    """

    # What a row remembers, by name: bools, False at FIRST unless `_fresh_plan` says otherwise.
    plan_flags: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, environment: Environment | VectorEnvironment, action_noise: float = 0.0
    ) -> None:
        if action_noise < 0:
            raise ValueError(f"action_noise must be at least 0 metres, got {action_noise}")
        self._action_noise = action_noise
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
            seen = {key: value[row].astype(np.float64) for key, value in states.items()}
            plan = {key: value[row] for key, value in memory.items()}
            move = self._move(seen, plan)
            for key, value in plan.items():
                memory[key][row] = value
            if self._action_noise:
                rng = np.random.default_rng(plan["noise_seed"])
                move = move + rng.normal(0.0, self._action_noise, 2)
            actions[row] = np.clip(move, -MAX_MOVE, MAX_MOVE)
        memory["noise_seed"] += 1
        return actions, memory

    def _fresh_plan(self, rng: np.random.Generator) -> dict[str, Any]:
        """What a row remembers at FIRST."""
        del rng
        return dict.fromkeys(self.plan_flags, False)

    @abc.abstractmethod
    def _move(self, states: dict[str, np.ndarray], plan: dict[str, Any]) -> np.ndarray:
        """A row's next change of the set point: [2], metres; `plan` may be changed."""


@gin.configurable
class ReachDemonstrator(_PushingDemonstrator):
    """Goes straight to the zone.

    Args:
        environment: single or vector, of the task `Reach`.
        action_noise: standard deviation of the noise on each action, metres.
    """

    @override
    def _move(self, states: dict[str, np.ndarray], plan: dict[str, Any]) -> np.ndarray:
        return pushing.move_effector(states["effector_translation"], states["target_translation"])


@gin.configurable
class SingleTargetDemonstrator(_PushingDemonstrator):
    """Pushes the block into the zone.

    Args:
        environment: single or vector, of the task `SingleTarget`.
        action_noise: standard deviation of the noise on each action, metres.
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
    """Pushes the block into the first zone, and from there into the second.

    Args:
        environment: single or vector, of the task `Discontinuous`.
        action_noise: standard deviation of the noise on each action, metres.
    """

    plan_flags = ("second_leg",)

    @override
    def _move(self, states: dict[str, np.ndarray], plan: dict[str, Any]) -> np.ndarray:
        block = states["block_translation"]
        plan["second_leg"] |= _is_at(block, states["target_translation"])
        goal = states["target2_translation" if plan["second_leg"] else "target_translation"]
        return pushing.push(states["effector_translation"], block, goal)


@gin.configurable
class MultimodalDemonstrator(_PushingDemonstrator):
    """Pushes one block into one zone, then the other into the other.

    Which block is first, and which zone it gets, is drawn each episode: there are four ways.

    Args:
        environment: single or vector, of the task `Multimodal`.
        action_noise: standard deviation of the noise on each action, metres.
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
        leg = int(_is_at(blocks[0], zones[0]))
        return pushing.push(
            states["effector_translation"], blocks[leg], zones[leg], others=[blocks[1 - leg]]
        )


@gin.configurable
class InsertDemonstrator(_PushingDemonstrator):
    """Pushes the block into the slot; not every time: in about 2 of 100 episodes time runs out.

    Args:
        environment: single or vector, of the task `Insert`.
        action_noise: standard deviation of the noise on each action, metres; the slot leaves 1 mm.
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
        # From where the effector is: the set point stays behind a wall that has stopped it.
        return effector + step - states["effector_target_translation"]


def _is_at(block: np.ndarray, zone: np.ndarray) -> bool:
    return bool(np.linalg.norm(block - zone) <= _FINISHED)
