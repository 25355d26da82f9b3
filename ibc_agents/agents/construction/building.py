"""Creation of the variables of networks."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tf_agents.networks import network as network_lib
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts
from tf_agents.utils import nest_utils

from ibc_agents.core import errors
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core.scaling import image_format
from ibc_agents.networks.energy import energy_network as energy_network_lib

# What Keras writes around the message of an error in a layer.
_KERAS_FRAME = re.compile(
    r"Exception encountered when calling layer.*?\(type \w+\)\.\s*|\s*Call arguments received by.*",
    re.DOTALL,
)


def example_window(
    time_step_spec: ts.TimeStep, normalizer: normalizer_lib.Normalizer, window: int
) -> Any:
    """Returns one normalized window of zero observations, a nest of ``[1, T, …]``."""
    spec = tensor_spec.from_spec(time_step_spec.observation)
    zeros = tf.nest.map_structure(lambda leaf: tf.zeros([1, window, *leaf.shape], leaf.dtype), spec)
    return normalizer.normalize_observation(zeros)


def build_network(
    setting: str,
    network: network_lib.Network,
    time_step_spec: ts.TimeStep,
    normalizer: normalizer_lib.Normalizer,
    window: int,
    *further_inputs: tf.Tensor,
) -> None:
    """Calls a network once, on a window of zeros, which creates its variables.

    Args:
        setting: The setting that contains the layers of the network.
        network: Takes a normalized window, or a tuple of a window and `further_inputs`.
        time_step_spec: Time step spec of the unwrapped environment.
        normalizer: Statistics of the demonstrations.
        window: T, frames of observation.
        *further_inputs: Tensors of batch size 1, such as actions.

    Raises:
        UserError: If the observations do not fit the network; see `reporting_misfits`.
    """
    with reporting_misfits(setting, time_step_spec.observation):
        example = example_window(time_step_spec, normalizer, window)
        network((example, *further_inputs) if further_inputs else example)


def score_example(
    energy_network: energy_network_lib.EnergyNetwork,
    time_step_spec: ts.TimeStep,
    normalizer: normalizer_lib.Normalizer,
    window: int,
) -> tf.Tensor:
    """Returns the energy of one zero action at one window of zeros, ``[1, 1]``."""
    code = energy_network.encode(example_window(time_step_spec, normalizer, window))
    return energy_network.at(code)(tf.zeros([1, 1, normalizer.action_space.size]))


@contextlib.contextmanager
def reporting_misfits(setting: str, observation_spec: Any) -> Iterator[None]:
    """Reports layers that fit neither the observation nor each other as errors of the user.

    Layers check their inputs only when they are called, with errors of many classes. The first
    call of a network, on zeros, is therefore where a wrong combination of layers is noticed.

    Args:
        setting: The setting that contains the layers.
        observation_spec: Nest of tensor specs, without time or batch.

    Raises:
        ObservationError: If the block raises one; it then names the parts of the observation and
            how to declare images.
        SettingError: If a layer in the block raises another error.
    """
    try:
        yield
    except errors.ObservationError as error:
        leaves = nest_utils.flatten_with_joined_paths({"observation": observation_spec})
        parts = ", ".join(image_format.describe(name, leaf) for name, leaf in leaves)
        message = f"{error} The observation consists of {parts}."
        if names := [name for name, leaf in leaves if leaf.shape.rank >= 2]:
            message += (
                f" If {names[0]} is an image, declare how it is stored by "
                f"Normalizer.image_formats = {{{names[0]!r}: @ImageFormat()}}."
            )
        raise errors.ObservationError(message) from error
    except errors.UserError:
        raise
    except (AttributeError, IndexError, TypeError, ValueError, tf.errors.OpError) as error:
        reason = " ".join(_KERAS_FRAME.sub("", str(error)).split())
        raise errors.SettingError(
            f"{setting} cannot be applied to a window of observations: {reason}"
        ) from error
