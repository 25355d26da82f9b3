"""Policies: implicit, and the explicit baselines."""

from ibc_agents.policies.implicit_policy import ImplicitPolicy
from ibc_agents.policies.mse_policy import MsePolicy
from ibc_agents.policies.weighted_samples import WeightedSamples
from ibc_agents.policies.window_policy import WindowPolicy

__all__ = ["ImplicitPolicy", "MsePolicy", "WeightedSamples", "WindowPolicy"]
