"""Block pushing with a simulated xArm6 (paper, Table 3)."""

from environments.block_pushing.demonstrators import (
    DiscontinuousDemonstrator,
    InsertDemonstrator,
    MultimodalDemonstrator,
    ReachDemonstrator,
    SingleTargetDemonstrator,
)
from environments.block_pushing.environment import BlockPushingEnvironment
from environments.block_pushing.looks import Camera, Look
from environments.block_pushing.tasks import Discontinuous, Insert, Multimodal, Reach, SingleTarget

__all__ = [
    "BlockPushingEnvironment",
    "Camera",
    "Discontinuous",
    "DiscontinuousDemonstrator",
    "Insert",
    "InsertDemonstrator",
    "Look",
    "Multimodal",
    "MultimodalDemonstrator",
    "Reach",
    "ReachDemonstrator",
    "SingleTarget",
    "SingleTargetDemonstrator",
]
