"""Energy networks, and the networks of the explicit baselines."""

from ibc_agents.networks.encoders.convolutions import ConvMaxPool, ConvResNet, ConvStrided
from ibc_agents.networks.encoders.flat_encoder import FlatEncoder
from ibc_agents.networks.encoders.image_centering import ImageCentering
from ibc_agents.networks.encoders.image_coordinates import CoordConv
from ibc_agents.networks.encoders.mlp_encoder import MlpEncoder
from ibc_agents.networks.encoders.pixel_encoder import PixelEncoder
from ibc_agents.networks.encoders.pooling import GlobalAveragePooling, SpatialSoftArgmax
from ibc_agents.networks.encoders.random_shift import RandomShift
from ibc_agents.networks.energy.dense_energy import DenseEnergy
from ibc_agents.networks.energy.energy_network import EnergyNetwork
from ibc_agents.networks.energy.mlp_energy import MlpEnergyNetwork
from ibc_agents.networks.energy.prefix_energy import PrefixEnergyNetwork
from ibc_agents.networks.heads.denoising import DenoisingNetwork
from ibc_agents.networks.heads.mixture_density import MixtureDensityNetwork, MixtureParameters
from ibc_agents.networks.heads.regression import RegressionNetwork
from ibc_agents.networks.heads.soft_minimum import SoftMinimum
from ibc_agents.networks.layers.log_distances import LogDistances
from ibc_agents.networks.layers.noise import Noise
from ibc_agents.networks.layers.spectral_norm import SpectralNormDense

__all__ = [
    "ConvMaxPool",
    "ConvResNet",
    "ConvStrided",
    "CoordConv",
    "DenoisingNetwork",
    "DenseEnergy",
    "EnergyNetwork",
    "FlatEncoder",
    "GlobalAveragePooling",
    "ImageCentering",
    "LogDistances",
    "MixtureDensityNetwork",
    "MixtureParameters",
    "MlpEncoder",
    "MlpEnergyNetwork",
    "Noise",
    "PixelEncoder",
    "PrefixEnergyNetwork",
    "RandomShift",
    "RegressionNetwork",
    "SpatialSoftArgmax",
    "SoftMinimum",
    "SpectralNormDense",
]
