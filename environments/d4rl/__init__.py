"""D4RL's tasks with human demonstrations: the Adroit hand and Franka Kitchen (paper, Table 2)."""

from environments.d4rl.door import DoorEnvironment, LongDoorEnvironment
from environments.d4rl.environment import D4RLEnvironment
from environments.d4rl.hammer import HammerEnvironment
from environments.d4rl.kitchen import (
    KitchenCompleteEnvironment,
    KitchenEnvironment,
    KitchenMixedEnvironment,
    KitchenPartialEnvironment,
)
from environments.d4rl.pen import PenEnvironment
from environments.d4rl.relocate import RelocateEnvironment

__all__ = [
    "D4RLEnvironment",
    "DoorEnvironment",
    "HammerEnvironment",
    "KitchenCompleteEnvironment",
    "KitchenEnvironment",
    "KitchenMixedEnvironment",
    "KitchenPartialEnvironment",
    "LongDoorEnvironment",
    "PenEnvironment",
    "RelocateEnvironment",
]
