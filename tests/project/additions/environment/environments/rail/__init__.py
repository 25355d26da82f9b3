"""A cart on a rail that must stop at the origin."""

from environments.rail.demonstrator import RailDemonstrator
from environments.rail.environment import RailEnvironment

__all__ = ["RailDemonstrator", "RailEnvironment"]
