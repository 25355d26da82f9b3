"""Parts without their base class, and classes in place of objects, are refused where they come."""

import pytest
import tensorflow as tf

from ibc_agents import agents, losses, networks, policies, proposals, samplers
from ibc_agents.core import errors, setting_checks
from tests.ibc_agents import helpers


def plain_sampler(energy_fn, initial_actions, bounds, seed, trace=False):
    """Has the signature of a sampler but not its base class."""


class PlainProposal:
    """Has no base class."""


REFUSED = {
    "CounterExamples.proposal": lambda: agents.CounterExamples(proposal=PlainProposal()),
    "CounterExamples.sampler": lambda: agents.CounterExamples(sampler=plain_sampler),
    "PolicySearch.sampler": lambda: policies.PolicySearch(sampler=samplers.Langevin),
    "EachBasin.sampler": lambda: samplers.EachBasin(plain_sampler),
    "Autoregressive.sampler": lambda: samplers.Autoregressive(plain_sampler),
    "Sequence.samplers": lambda: samplers.Sequence([samplers.Langevin(), plain_sampler]),
    "ImplicitBCAgent.energy_network": lambda: helpers.make_agent(
        energy_network=tf.keras.layers.Dense(1)
    ),
    "ImplicitBCAgent.counter_examples": lambda: helpers.make_agent(
        counter_examples=agents.CounterExamples
    ),
    "ImplicitBCAgent.policy_search": lambda: helpers.make_agent(policy_search=samplers.Langevin()),
    "The optimizer": lambda: helpers.make_agent(optimizer=tf.keras.optimizers.Adam),
    "AutoregressiveBCAgent.energy_network": lambda: helpers.make_autoregressive_agent(
        energy_network=networks.PrefixEnergyNetwork
    ),
}


BASES = {
    "The optimizer": "Optimizer",
    "counter_examples": "CounterExamples",
    "energy_network": "EnergyNetwork",
    "policy_search": "PolicySearch",
    "proposal": "Proposal",
    "samplers": "Sampler",
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_message_names_the_parameter_and_the_base_class(name):
    base = BASES.get(name.rpartition(".")[2], "Sampler")
    expected = f"^{name} must be (an object of a subclass of {base}|a list of {base} objects), got"
    with pytest.raises(errors.SettingError, match=expected):
        REFUSED[name]()


@pytest.mark.parametrize(
    ("make", "name", "given"),
    [
        (helpers.make_agent, "loss", losses.InfoNCE),
        (helpers.make_agent, "gradient_penalty", losses.GradientPenalty),
        (helpers.make_agent, "conditional_nce", losses.ConditionalNCE),
        (helpers.make_autoregressive_agent, "loss", losses.InfoNCE),
    ],
)
def test_a_class_in_place_of_a_loss_is_rejected(make, name, given):
    with pytest.raises(
        errors.SettingError, match=f"{name} must be an object .* got the class {given.__name__}"
    ):
        make(**{name: given})


def test_objects_of_subclasses_pass():
    setting_checks.check_instance("proposal", proposals.Uniform(), proposals.Uniform.__mro__[1])
