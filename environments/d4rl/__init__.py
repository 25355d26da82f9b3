"""D4RL tasks with human demonstrations: the Adroit hand and Franka Kitchen.

References:
    Fu et al., "D4RL: Datasets for Deep Data-Driven Reinforcement Learning", 2020.
    https://arxiv.org/abs/2004.07219

    Florence et al., "Implicit Behavioral Cloning", 2021, Table 2.
    https://arxiv.org/abs/2109.00137
"""

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
