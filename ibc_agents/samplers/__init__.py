"""Stochastic optimizers of the energy over actions."""

from ibc_agents.samplers.autoregressive import Autoregressive
from ibc_agents.samplers.derivative_free import DerivativeFree
from ibc_agents.samplers.each_basin import EachBasin
from ibc_agents.samplers.langevin import Langevin
from ibc_agents.samplers.langevin_updates import ExactUpdate, NormalizedUpdate, PublishedUpdate
from ibc_agents.samplers.schedules import Constant, Polynomial
from ibc_agents.samplers.sequence import Sequence

__all__ = [
    "Autoregressive",
    "Constant",
    "DerivativeFree",
    "EachBasin",
    "ExactUpdate",
    "Langevin",
    "NormalizedUpdate",
    "Polynomial",
    "PublishedUpdate",
    "Sequence",
]
