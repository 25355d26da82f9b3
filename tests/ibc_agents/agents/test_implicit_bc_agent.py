"""The implicit agent: its loss, its training and its parts."""

import gin
import numpy as np
import pytest
import tensorflow as tf

from ibc_agents import agents, losses, networks, policies, proposals, samplers
from ibc_agents.agents import energy_based_agent
from ibc_agents.core import protocols, stateless_random
from tests.ibc_agents import helpers

LANGEVIN = dict(
    counter_examples=agents.CounterExamples(number=4, sampler=samplers.Langevin(5)),
    gradient_penalty=losses.GradientPenalty(),
)
KINDS = pytest.mark.parametrize(
    "make",
    [helpers.make_agent, lambda **kwargs: helpers.make_agent(**LANGEVIN, **kwargs)],
    ids=["derivative_free", "langevin"],
)


class Given(protocols.Sampler):
    """A sampler that always returns the given actions."""

    def __init__(self, actions):
        self._actions = tf.constant(actions)

    def __call__(self, energy_fn, initial_actions, bounds, seed, trace=False):
        return samplers.Langevin(1)(energy_fn, initial_actions, bounds, seed)._replace(
            actions=self._actions
        )


class Recording(samplers.Langevin):
    """Langevin dynamics that records the ends of its chains."""

    def __call__(self, *args, **kwargs):
        result = super().__call__(*args, **kwargs)
        self.ended = result.actions.numpy()
        return result


def moved_by(sampler):
    return {**LANGEVIN, "counter_examples": agents.CounterExamples(number=4, sampler=sampler)}


def gradients_of(agent, experience, weights=None):
    variables = agent.energy_network.trainable_variables
    with tf.GradientTape() as tape:
        loss_info = agent.loss(experience, weights, training=True)
    return loss_info, [g.numpy() for g in tape.gradient(loss_info.loss, variables)]


@KINDS
@pytest.mark.parametrize("window", [1, 2])
def test_training_lowers_the_loss(make, window):
    agent = make(window=window)
    train = helpers.compiled(agent.train)
    experience = helpers.make_experience(64, window)
    infos = [train(experience) for _ in range(60)]
    first, last = (np.mean([info.loss for info in part]) for part in (infos[:5], infos[-5:]))
    assert last < 0.7 * first
    assert agent.train_step_counter.numpy() == 60
    for info in infos:
        assert np.isfinite([np.mean(value) for value in [info.loss, *info.extra.values()]]).all()


def test_loss_is_info_nce_of_the_paper():
    """Compares with InfoNCE of the newest action on the same uniform samples in NumPy."""
    agent = helpers.make_agent(seed=5)
    agent.train_step_counter.assign(7)
    experience = helpers.make_experience(6, 2)
    info = agent.loss(experience)

    normalizer, network = agent.normalizer, agent.energy_network
    code = network.encode(normalizer.normalize_observation(experience.observation))
    seed = stateless_random.fold_in(stateless_random.as_seed(5, tf.constant(7)), 0)
    negatives = proposals.Uniform().sample(code, 16, normalizer.bounds, seed)
    positive = normalizer.scale_action(experience.action[:, -1])[:, None]
    energies = network.energy(code, tf.concat([positive, negatives], axis=1)).numpy()
    probability = np.exp(-energies) / np.exp(-energies).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(info.loss, -np.log(probability[:, 0]).mean(), rtol=1e-5)
    picked = (energies.argmin(axis=1) == 0).mean()
    expected = {
        "demonstration_energy": energies[:, 0].mean(),
        "counter_example_energy": energies[:, 1:].mean(),
        "top1_accuracy": picked,
    }
    np.testing.assert_allclose(
        info.extra.pop("example_losses"), -np.log(probability[:, 0]), rtol=1e-4
    )
    assert set(info.extra) == set(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(info.extra[key], value, rtol=1e-4, atol=1e-6)


def test_gradient_penalty_is_added_at_the_demonstration_and_the_counter_examples():
    plain = helpers.make_agent()
    penalized = helpers.make_agent(gradient_penalty=losses.GradientPenalty(margin=0.0, weight=3.0))
    experience = helpers.make_experience(6, 2)
    info = penalized.loss(experience)
    np.testing.assert_allclose(
        info.loss, plain.loss(experience).loss + info.extra["gradient_penalty"], rtol=1e-5
    )
    normalizer, network = plain.normalizer, plain.energy_network
    code = network.encode(normalizer.normalize_observation(experience.observation))
    seed = stateless_random.fold_in(stateless_random.as_seed(0, tf.constant(0)), 0)
    negatives = proposals.Uniform().sample(code, 16, normalizer.bounds, seed)
    positive = normalizer.scale_action(experience.action[:, -1])[:, None]
    actions = tf.concat([positive, negatives], axis=1)
    step, slopes = 1e-2, []
    for dimension in np.eye(2, dtype=np.float32):
        ends = [network.energy(code, actions + sign * step * dimension) for sign in (1, -1)]
        slopes.append(np.abs(ends[0] - ends[1]) / (2 * step))
    expected = 3.0 * np.square(np.max(slopes, axis=0)).mean()
    np.testing.assert_allclose(info.extra["gradient_penalty"], expected, rtol=0.05)


def test_no_gradient_flows_through_counter_examples():
    """The gradient equals that of constant counter-examples."""
    sampler = Recording(num_iterations=5)
    experience = helpers.make_experience(6, 2)
    moved = helpers.make_agent(**moved_by(sampler))
    info, gradients = gradients_of(moved, experience)
    constant = helpers.make_agent(**moved_by(Given(sampler.ended)))
    expected_info, expected = gradients_of(constant, experience)
    np.testing.assert_allclose(info.loss, expected_info.loss, rtol=1e-6)
    for gradient, wanted in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-5, atol=1e-7)
    assert any(np.abs(gradient).max() > 1e-3 for gradient in gradients)


def test_contract_loss_gets_the_proposals_densities_unless_a_sampler_moved_its_samples():
    received = []

    class Keep(losses.InfoNCE):
        def __call__(self, *args):
            received.append(args)
            return super().__call__(*args)

    experience = helpers.make_experience(6, 2)
    agent = helpers.make_agent(loss=Keep())
    moving = helpers.make_agent(loss=Keep(), **LANGEVIN)
    received.clear()  # The constructors call the loss once.
    agent.loss(experience)
    moving.loss(experience)
    (positive, negatives, positive_density, densities), moved = received
    assert positive.shape == (6,) and negatives.shape == (6, 16)
    low, high = agent.normalizer.bounds
    density = -np.log(np.prod(high.numpy() - low.numpy()))
    np.testing.assert_allclose(positive_density, [density] * 6, rtol=1e-5)
    np.testing.assert_allclose(densities, np.full([6, 16], density), rtol=1e-5)
    assert moved[2] is None and moved[3] is None


def test_conditional_nce_is_added_and_reported():
    experience = helpers.make_experience(6, 2)
    conditional_nce = losses.ConditionalNCE(num_neighbors=3)
    agent = helpers.make_agent(conditional_nce=conditional_nce)
    info, gradients = gradients_of(agent, experience)
    alone, gradients_alone = gradients_of(helpers.make_agent(), experience)
    np.testing.assert_allclose(
        info.loss, alone.loss + info.extra["conditional_nce_loss"], rtol=1e-5
    )
    # Nearly equal energies give log 2.
    np.testing.assert_allclose(info.extra["conditional_nce_loss"], np.log(2), atol=0.2)
    assert any(np.abs(a - b).max() > 1e-4 for a, b in zip(gradients, gradients_alone, strict=True))

    demonstration = agent.normalizer.scale_action(experience.action[:, -1])
    seed = stateless_random.fold_in(stateless_random.as_seed(0, tf.constant(0)), 2)
    energies = agent.energy_function(experience.observation)
    expected = conditional_nce(
        energies(demonstration[:, None])[:, 0],
        energies(conditional_nce.neighbors(demonstration, seed)),
    )
    np.testing.assert_allclose(
        info.extra["conditional_nce_loss"], tf.reduce_mean(expected), rtol=1e-5
    )


class Listening(helpers.CountingEnergyNetwork):
    """Records the actions that it scored last."""

    def energy(self, code, actions, training=False):
        self.heard = actions.numpy()
        return super().energy(code, actions, training)


def test_noise_on_demonstrated_actions_is_reflected_at_the_bounds():
    experience = helpers.make_experience(512, 2)

    def heard(**kwargs):
        network = Listening()
        agent = helpers.make_agent(energy_network=network, **kwargs)
        agent.loss(experience)
        return network.heard, agent.normalizer

    exact, normalizer = heard()
    blurred, _ = heard(counter_examples=agents.CounterExamples(number=16, action_noise_stddev=0.05))
    demonstrated = normalizer.scale_action(experience.action[:, -1])
    np.testing.assert_allclose(exact[:, 0], demonstrated, atol=1e-6)
    low, high = (np.asarray(bound) for bound in normalizer.bounds)
    inside = (np.minimum(high - exact[:, 0], exact[:, 0] - low) > 0.2).all(axis=1)
    assert np.isclose((blurred - exact)[inside, 0].std(), 0.05, rtol=0.1)
    assert (low <= blurred[:, 0]).all() and (blurred[:, 0] <= high).all()
    np.testing.assert_array_equal(exact[:, 1:], blurred[:, 1:])
    with pytest.raises(ValueError, match="action_noise_stddev must be a number .*, got -1"):
        agents.CounterExamples(action_noise_stddev=-1.0)


@pytest.mark.parametrize(
    "noise",
    [
        dict(counter_examples=agents.CounterExamples(action_noise_stddev=0.05)),
        dict(conditional_nce=losses.ConditionalNCE()),
    ],
    ids=lambda d: [*d][0],
)
def test_constant_action_dimensions_have_no_noise(noise):
    """Noise would identify the demonstration, because counter-examples cannot vary there."""
    network = Listening()
    experience = helpers.make_experience(64, 2)
    action = experience.action.numpy()
    action[..., 1] = 0.5
    experience = experience._replace(action=tf.constant(action))
    agent = helpers.make_agent(
        energy_network=network, normalizer=helpers.make_normalizer(experience), **noise
    )
    agent.loss(experience)
    np.testing.assert_array_equal(network.heard[..., 1], 0.0)
    assert network.heard[:, 0, 0].std() > 0


def test_top1_accuracy_requires_a_strictly_lower_energy():
    report = energy_based_agent.report_energies(
        tf.constant([[0.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [1.0, 0.0, 2.0]])
    )
    np.testing.assert_array_equal(report["top1_accuracy"], [0.0, 1.0, 0.0])


@KINDS
def test_equal_seeds_give_equal_training_bit_for_bit(make):
    def train(seed):
        agent = make(seed=seed)
        for k in range(3):
            agent.train(helpers.make_experience(32, 2, seed=k))
        return np.concatenate([v.numpy().ravel() for v in agent.energy_network.variables])

    np.testing.assert_array_equal(train(0), train(0))
    assert (train(0) != train(1)).any()


def test_counter_examples_differ_between_steps():
    agent = helpers.make_agent()
    experience = helpers.make_experience(8, 2)
    first = agent.loss(experience)
    np.testing.assert_array_equal(first.loss, agent.loss(experience).loss)
    agent.train_step_counter.assign_add(1)
    assert (
        agent.loss(experience).extra["counter_example_energy"]
        != (first.extra["counter_example_energy"])
    )


def test_the_learned_policy_acts_like_the_demonstrations():
    agent = helpers.make_agent(
        counter_examples=agents.CounterExamples(number=64),
        policy_search=policies.PolicySearch(number=256),
    )
    train = helpers.compiled(agent.train)
    for k in range(200):
        train(helpers.make_experience(64, 2, seed=k))
    time_step = helpers.make_time_step(64, seed=999)
    action = agent.policy.action(time_step, agent.policy.get_initial_state(64)).action
    wanted = helpers.demonstrate(helpers.numpy(time_step.observation))
    errors = np.abs(action - wanted).mean(axis=0)
    guessed = np.abs(wanted - wanted.mean(axis=0)).mean(axis=0)
    assert (errors < 0.5 * guessed).all()


def test_energy_function_encodes_raw_windows_once():
    agent = helpers.make_agent(energy_network=helpers.CountingEnergyNetwork())
    window = helpers.make_experience(3, 2).observation
    encoded = agent.energy_network.encoded
    energy = agent.energy_function(window)
    goal = agent.normalizer.normalize_observation(window)["goal"][:, -1:]
    for offset in (0.0, 0.5):
        actions = tf.tile(goal + offset, [1, 4, 1])
        np.testing.assert_allclose(energy(actions), np.full([3, 4], 40 * offset**2), atol=1e-4)
    assert agent.energy_network.encoded == encoded + 1


def test_zero_counter_examples_raise():
    with pytest.raises(ValueError, match="CounterExamples.number must be an integer of at least 1"):
        agents.CounterExamples(number=0)


GIN = """
ImplicitBCAgent.energy_network = @MlpEnergyNetwork()
ImplicitBCAgent.window = 1
ImplicitBCAgent.counter_examples = @CounterExamples()
CounterExamples.number = 3
CounterExamples.sampler = @train/Langevin()
ImplicitBCAgent.gradient_penalty = @GradientPenalty()
ImplicitBCAgent.policy_search = @PolicySearch()
PolicySearch.sampler = @policy/Sequence()
MlpEnergyNetwork.width = 12
train/Langevin.num_iterations = 2
policy/Sequence.samplers = [@DerivativeFree(), @policy/Langevin()]
policy/Langevin.num_iterations = 3
policy/Langevin.schedule = @Constant()
"""


def test_gin_configures_the_agent_by_references():
    gin.parse_config(GIN)
    agent = agents.ImplicitBCAgent(
        helpers.TIME_STEP_SPEC,
        helpers.ACTION_SPEC,
        helpers.make_normalizer(),
        optimizer=tf.keras.optimizers.Adam(),
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    assert isinstance(agent.energy_network, networks.MlpEnergyNetwork)
    assert agent.train_sequence_length == 1
    code = agent.energy_network.encode(
        agent.normalizer.normalize_observation(helpers.make_experience(2, 1).observation)
    )
    assert code.shape == (2, 12)
    info = agent.train(helpers.make_experience(4, 1))
    assert "gradient_penalty" in info.extra
    operative = gin.operative_config_str()
    for line in ("train/Langevin.num_iterations = 2", "policy/Langevin.num_iterations = 3"):
        assert line in operative


@pytest.mark.parametrize(
    "line",
    [
        "ImplicitBCAgent.counterexamples = 8",
        "PolicySearch.sampler = @Langevn()",
        "ImplicitBcAgent.window = 2",
        "ImplicitBCAgent.normalizer = 1",
    ],
)
def test_gin_rejects_misspelled_and_unknown_parameters(line):
    with pytest.raises(ValueError, match="counterexamples|Langevn|ImplicitBcAgent|normalizer"):
        gin.parse_config(line)


@pytest.mark.parametrize(
    "sampler",
    [
        samplers.EachBasin(samplers.Langevin(2)),
        samplers.Sequence([samplers.EachBasin(samplers.Langevin(2)), samplers.Langevin(2)]),
    ],
    ids=["alone", "in a sequence"],
)
def test_rejects_a_basin_search_of_an_energy_without_basins(sampler):
    with pytest.raises(ValueError, match="SoftMinimum"):
        helpers.make_agent(policy_search=policies.PolicySearch(sampler))
    head = networks.SoftMinimum(units=4, num_basins=2)
    energy_network = networks.MlpEnergyNetwork(width=16, head=head)
    helpers.make_agent(energy_network=energy_network, policy_search=policies.PolicySearch(sampler))
    energy_network = networks.MlpEnergyNetwork(width=16, head=networks.SoftMinimum(4, 2))
    with pytest.raises(ValueError, match="a sample for each of 2 basins, got 1"):
        helpers.make_agent(
            energy_network=energy_network, policy_search=policies.PolicySearch(sampler, 1)
        )
