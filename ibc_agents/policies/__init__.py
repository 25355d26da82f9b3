"""The implicit policy, and those of the explicit baselines."""

from ibc_agents.policies.diffusion_policy import DiffusionPolicy
from ibc_agents.policies.diffusion_process import DiffusionProcess
from ibc_agents.policies.distributions.gaussian_mixture import GaussianMixture
from ibc_agents.policies.distributions.weighted_samples import WeightedSamples
from ibc_agents.policies.implicit_policy import ImplicitPolicy
from ibc_agents.policies.mdn_policy import MdnPolicy
from ibc_agents.policies.mse_policy import MsePolicy
from ibc_agents.policies.nearest_neighbor_index import NearestNeighborIndex
from ibc_agents.policies.nearest_neighbor_policy import NearestNeighborPolicy
from ibc_agents.policies.policy_search import PolicySearch
from ibc_agents.policies.window_policy import WindowPolicy

__all__ = [
    "DiffusionPolicy",
    "DiffusionProcess",
    "GaussianMixture",
    "ImplicitPolicy",
    "MdnPolicy",
    "MsePolicy",
    "NearestNeighborIndex",
    "NearestNeighborPolicy",
    "PolicySearch",
    "WeightedSamples",
    "WindowPolicy",
]
