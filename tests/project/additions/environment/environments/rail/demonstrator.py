"""The demonstrator of the cart on a rail."""

from __future__ import annotations

from typing import Any

import gin
import numpy as np

from environments.demonstrator import Demonstrator
from environments.rail.environment import RailEnvironment


@gin.configurable
class RailDemonstrator(Demonstrator):
    """Moves to the origin as fast as the actions allow.

    Args:
        environment: Single or vector environment to demonstrate in.
    """

    def __init__(self, environment: RailEnvironment) -> None:
        super().__init__(environment, memory_spec=())

    def _fresh_memory(self, rng: np.random.Generator) -> Any:
        return ()

    def _act(self, states: Any, memory: Any) -> tuple[Any, Any]:
        return np.clip(-states, -0.5, 0.5).astype(np.float32), memory
