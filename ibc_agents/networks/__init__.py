"""Energy networks, and the networks of the explicit baselines."""

from ibc_agents.networks.encoders import MlpEncoder
from ibc_agents.networks.energy_network import EnergyNetwork
from ibc_agents.networks.mlp_energy import MlpEnergyNetwork
from ibc_agents.networks.regression import RegressionNetwork

__all__ = ["EnergyNetwork", "MlpEncoder", "MlpEnergyNetwork", "RegressionNetwork"]
