"""Proposals of counter-examples and of the actions where a search begins."""

from ibc_agents.proposals.mixture import Mixture
from ibc_agents.proposals.uniform import Uniform

__all__ = ["Mixture", "Uniform"]
