"""Layers that do not fit together are an error of the settings, when the agent is made."""

import pytest
import tensorflow as tf

from ibc_agents import agents, networks
from ibc_agents.agents.construction import building
from ibc_agents.core import errors
from tests.ibc_agents import helpers


def make_implicit_agent(encoder):
    return helpers.make_agent(energy_network=networks.MlpEnergyNetwork(8, 2, encoder=encoder))


def make_nearest_neighbor_agent(encoder):
    return agents.NearestNeighborAgent(
        helpers.TIME_STEP_SPEC, helpers.ACTION_SPEC, helpers.make_normalizer(), encoder
    )


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        (helpers.make_mse_agent, "MseAgent.encoder"),
        (helpers.make_diffusion_agent, "DiffusionAgent.encoder"),
        (helpers.make_mdn_agent, "MdnAgent.encoder"),
        (make_implicit_agent, "ImplicitBCAgent.energy_network"),
        (make_nearest_neighbor_agent, "NearestNeighborAgent.encoder"),
    ],
)
@pytest.mark.parametrize("encoder", [networks.ConvMaxPool, networks.LogDistances])
def test_an_encoder_of_other_inputs_is_rejected(make, setting, encoder):
    expected = f"^{setting} cannot be applied to a window of observations: "
    with pytest.raises(errors.SettingError, match=expected) as caught:
        make(encoder=encoder())
    assert "Call arguments" not in str(caught.value)


def test_a_layer_that_is_active_in_training_only_is_rejected():
    encoder = networks.MlpEncoder(8, 2, noise=networks.RandomShift())
    with pytest.raises(errors.SettingError, match="^MseAgent.encoder cannot be .*ndim=4"):
        helpers.make_mse_agent(encoder=encoder)


def test_the_message_of_a_layer_is_kept():
    class Strict(tf.keras.layers.Layer):
        def call(self, inputs):
            raise errors.SettingError("Strict.size must be 3, got 2.")

    with pytest.raises(errors.SettingError, match="^Strict.size must be 3, got 2.$"):
        with building.reporting_misfits("MseAgent.encoder", helpers.OBSERVATION_SPEC):
            Strict()(tf.zeros([1, 2]))
