"""Where counter-examples and a sampler's first actions come from."""

from ibc_agents.proposals.mixture import Mixture
from ibc_agents.proposals.uniform import Uniform

__all__ = ["Mixture", "Uniform"]
