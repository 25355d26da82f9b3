"""Block pushing with a simulated xArm6.

References:
    Florence et al., "Implicit Behavioral Cloning", 2021, Table 3. https://arxiv.org/abs/2109.00137
"""

from environments.block_pushing.demonstrators import (
    DiscontinuousDemonstrator,
    InsertDemonstrator,
    MultimodalDemonstrator,
    ReachDemonstrator,
    SingleTargetDemonstrator,
)
from environments.block_pushing.environment import BlockPushingEnvironment
from environments.block_pushing.rendering import Appearance, Camera
from environments.block_pushing.tasks import Discontinuous, Insert, Multimodal, Reach, SingleTarget

__all__ = [
    "Appearance",
    "BlockPushingEnvironment",
    "Camera",
    "Discontinuous",
    "DiscontinuousDemonstrator",
    "Insert",
    "InsertDemonstrator",
    "Multimodal",
    "MultimodalDemonstrator",
    "Reach",
    "ReachDemonstrator",
    "SingleTarget",
    "SingleTargetDemonstrator",
]
