"""Wrappers that make energy networks, samplers and score functions faster on a CPU."""

from ibc_agents.acceleration.settings import Acceleration, choices

__all__ = ["Acceleration", "choices"]
