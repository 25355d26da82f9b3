"""Creation of the variables of networks."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tf_agents.networks import network
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.networks.energy import energy_network as energy_network_lib


def example_window(
    time_step_spec: ts.TimeStep, normalizer: normalizer_lib.Normalizer, window: int
) -> Any:
    """Returns one normalized window of zero observations, a nest of ``[1, T, …]``."""
    spec = tensor_spec.from_spec(time_step_spec.observation)
    zeros = tf.nest.map_structure(lambda leaf: tf.zeros([1, window, *leaf.shape], leaf.dtype), spec)
    return normalizer.normalize_observation(zeros)


def build_energy_network(
    energy_network: network.Network,
    time_step_spec: ts.TimeStep,
    normalizer: normalizer_lib.Normalizer,
    window: int,
) -> None:
    """Calls an energy network once, which creates its variables."""
    actions = tf.zeros([1, 1, normalizer.action_space.size])
    energy_network((example_window(time_step_spec, normalizer, window), actions))


def score_example(
    energy_network: energy_network_lib.EnergyNetwork,
    time_step_spec: ts.TimeStep,
    normalizer: normalizer_lib.Normalizer,
    window: int,
) -> tf.Tensor:
    """Returns the energy of one zero action at one window of zeros, ``[1, 1]``."""
    code = energy_network.encode(example_window(time_step_spec, normalizer, window))
    return energy_network.at(code)(tf.zeros([1, 1, normalizer.action_space.size]))
