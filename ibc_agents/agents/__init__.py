"""Agents: implicit behavioural cloning, and the explicit baselines."""

from ibc_agents.agents.behavioral_cloning_agent import BehavioralCloningAgent
from ibc_agents.agents.implicit_bc_agent import ImplicitBCAgent
from ibc_agents.agents.mse_agent import MseAgent

__all__ = ["BehavioralCloningAgent", "ImplicitBCAgent", "MseAgent"]
