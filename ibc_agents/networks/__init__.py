"""Energy networks, and the networks of the explicit baselines."""

from ibc_agents.networks.cache_blocks import CacheBlocks
from ibc_agents.networks.convolutions import ConvMaxPool, ConvResNet, ConvStrided
from ibc_agents.networks.encoders import MlpEncoder
from ibc_agents.networks.energy_network import EnergyNetwork
from ibc_agents.networks.flat_encoder import FlatEncoder
from ibc_agents.networks.image_centering import ImageCentering
from ibc_agents.networks.image_coordinates import CoordConv
from ibc_agents.networks.log_distances import LogDistances
from ibc_agents.networks.mixture_density import MixtureDensityNetwork, MixtureParameters
from ibc_agents.networks.mlp_energy import MlpEnergyNetwork
from ibc_agents.networks.noise import Noise
from ibc_agents.networks.pixel_encoder import PixelEncoder
from ibc_agents.networks.pooling import GlobalAveragePooling, SpatialSoftArgmax
from ibc_agents.networks.precision import FasterPrecision, FasterProductPrecision
from ibc_agents.networks.prefix_energy import PrefixEnergyNetwork
from ibc_agents.networks.random_shift import RandomShift
from ibc_agents.networks.regression import RegressionNetwork
from ibc_agents.networks.soft_minimum import SoftMinimum
from ibc_agents.networks.spectral_norm import SpectralNormDense

__all__ = [
    "CacheBlocks",
    "ConvMaxPool",
    "ConvResNet",
    "ConvStrided",
    "CoordConv",
    "EnergyNetwork",
    "FasterPrecision",
    "FasterProductPrecision",
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
