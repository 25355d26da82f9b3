"""Agents: implicit behavioral cloning, and the explicit baselines."""

from ibc_agents.agents.autoregressive_bc_agent import AutoregressiveBCAgent
from ibc_agents.agents.behavioral_cloning_agent import BehavioralCloningAgent
from ibc_agents.agents.counter_examples import CounterExamples
from ibc_agents.agents.diffusion_agent import DiffusionAgent
from ibc_agents.agents.energy_based_agent import EnergyBasedAgent
from ibc_agents.agents.implicit_bc_agent import ImplicitBCAgent
from ibc_agents.agents.mdn_agent import MdnAgent
from ibc_agents.agents.mse_agent import MseAgent
from ibc_agents.agents.nearest_neighbor_agent import NearestNeighborAgent

__all__ = [
    "AutoregressiveBCAgent",
    "BehavioralCloningAgent",
    "CounterExamples",
    "DiffusionAgent",
    "EnergyBasedAgent",
    "ImplicitBCAgent",
    "MdnAgent",
    "MseAgent",
    "NearestNeighborAgent",
]
