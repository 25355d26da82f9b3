"""The implicit policy in all drivers and actors of TF-Agents."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.drivers import dynamic_step_driver, py_driver
from tf_agents.environments import random_py_environment, tf_py_environment
from tf_agents.policies import greedy_policy, policy_saver, py_tf_eager_policy
from tf_agents.specs import array_spec, tensor_spec
from tf_agents.train import actor

from data.episodes import dataset_statistics as data_statistics
from ibc_agents import policies, proposals, samplers
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import protocols
from tests.ibc_agents import helpers


def make_policy(window=2, sampler=None, energy_network=None, num_samples=24):
    energy_network = energy_network or helpers.make_energy_network()
    normalizer = helpers.make_normalizer()
    observation = normalizer.normalize_observation(helpers.make_experience(1, window).observation)
    energy_network((observation, tf.zeros([1, 1, 2])))
    return policies.ImplicitPolicy(
        helpers.TIME_STEP_SPEC,
        helpers.ACTION_SPEC,
        energy_network,
        normalizer,
        window,
        proposals.Uniform(),
        policies.PolicySearch(sampler or samplers.DerivativeFree(), num_samples),
    )


SAMPLERS = pytest.mark.parametrize(
    "sampler",
    [
        samplers.DerivativeFree(),
        samplers.Sequence([samplers.Langevin(3), samplers.Langevin(2)]),
    ],
    ids=["derivative_free", "langevin"],
)


def random_environment():
    """Returns TF-Agents' random environment with the specs of the tests."""
    observation_spec, action_spec = tf.nest.map_structure(
        lambda spec: array_spec.BoundedArraySpec(
            spec.shape, np.float32, getattr(spec, "minimum", -1.0), getattr(spec, "maximum", 1.0)
        ),
        (helpers.OBSERVATION_SPEC, helpers.ACTION_SPEC),
    )
    return random_py_environment.RandomPyEnvironment(
        observation_spec, action_spec, episode_end_probability=0.3, seed=3
    )


def in_action_spec(action):
    """Returns whether an action, or every row of a batch, satisfies ACTION_SPEC."""
    spec = tensor_spec.to_array_spec(helpers.ACTION_SPEC)
    return all(spec.check_array(row) for row in np.reshape(action, (-1, 2)))


@SAMPLERS
def test_contract_energy_low_is_good_the_policy_takes_the_lowest(sampler):
    """The scaled action must be the normalized goal, the minimum of the energy."""
    network = helpers.CountingEnergyNetwork()
    policy = make_policy(energy_network=network, num_samples=512)
    time_step = helpers.make_time_step(4)
    network.encoded = 0
    action = policy.action(time_step, policy.get_initial_state(4)).action
    assert network.encoded == 1
    normalizer = helpers.make_normalizer()
    goal = normalizer.normalize_observation(time_step.observation)["goal"]
    wanted = tf.clip_by_value(goal, normalizer.bounds.low, normalizer.bounds.high)
    np.testing.assert_allclose(normalizer.scale_action(action), wanted, atol=0.15)


@SAMPLERS
def test_contract_policy_outcome_of_a_row_depends_on_its_own_seed_and_observations(sampler):
    """This holds for any batch size and other rows, over an episode of three steps."""
    policy = make_policy(sampler=sampler)
    rows, seeds = 5, tf.constant([[k, 3 * k] for k in range(5)], tf.int32)

    def actions(chosen):
        state = {**policy.get_initial_state(len(chosen)), "seed": tf.gather(seeds, chosen)}
        taken = []
        for k, kind in enumerate([helpers.FIRST, helpers.MID, helpers.MID]):
            time_step = tf.nest.map_structure(
                lambda leaf: tf.gather(leaf, chosen), helpers.make_time_step(rows, kind, seed=k)
            )
            step = policy.action(time_step, state)
            state = step.state
            taken.append(step.action.numpy())
        return np.stack(taken, axis=1)

    together = actions(range(rows))
    assert len(np.unique(together.reshape(-1, 2), axis=0)) > 2 * rows
    np.testing.assert_allclose(actions([4, 2, 0]), together[[4, 2, 0]], atol=1e-6)
    for row in range(rows):
        np.testing.assert_allclose(actions([row])[0], together[row], atol=1e-6)


def test_contract_policy_equal_seeds_equal_actions_and_other_seeds_other_actions():
    policy = make_policy()
    time_step = helpers.make_time_step(1)

    def act(seed):
        state = {**policy.get_initial_state(1), "seed": tf.constant([seed], tf.int32)}
        return policy.action(time_step, state).action.numpy()

    np.testing.assert_array_equal(act([1, 2]), act([1, 2]))
    assert (act([1, 2]) != act([1, 3])).any() and (act([1, 2]) != act([2, 2])).any()


@pytest.mark.parametrize(
    ("sampler", "window"),
    [(samplers.DerivativeFree(), 2), (samplers.Langevin(3), 1)],
    ids=["derivative_free", "langevin"],
)
def test_saved_model_equals_the_live_policy_at_the_same_state(tmp_path, sampler, window):
    """It maps raw observations to raw actions for any batch size."""
    policy = make_policy(window, sampler)
    policy_saver.PolicySaver(policy, batch_size=None).save(str(tmp_path / "policy"))
    saved = tf.saved_model.load(str(tmp_path / "policy"))
    for batch_size in (1, 3):
        state = policy.get_initial_state(batch_size)
        live_state = saved_state = state
        assert tf.nest.map_structure(lambda leaf: (leaf.shape, leaf.dtype), state) == (
            tf.nest.map_structure(
                lambda leaf: (leaf.shape, leaf.dtype), saved.get_initial_state(batch_size)
            )
        )
        for k, kind in enumerate([helpers.FIRST, helpers.MID, helpers.FIRST]):
            time_step = helpers.make_time_step(batch_size, kind, seed=k)
            live, loaded = (
                policy.action(time_step, live_state),
                saved.action(time_step, saved_state),
            )
            np.testing.assert_allclose(loaded.action, live.action, atol=1e-6)
            tf.nest.map_structure(np.testing.assert_array_equal, loaded.state, live.state)
            live_state, saved_state = live.state, loaded.state


@pytest.mark.parametrize("use_tf_function", [False, True])
def test_runs_as_an_eager_py_policy(use_tf_function):
    """A time step without a batch dimension equals a batch of one."""
    policy = make_policy()
    eager = py_tf_eager_policy.PyTFEagerPolicy(policy, use_tf_function=use_tf_function)
    batch = helpers.make_time_step(1)
    state = policy.get_initial_state(1)
    time_step = tf.nest.map_structure(lambda leaf: leaf.numpy()[0], batch)
    step = eager.action(time_step, helpers.numpy(state))
    expected = policy.action(batch, state)
    np.testing.assert_allclose(step.action, expected.action[0], atol=1e-6)
    np.testing.assert_array_equal(step.state["seed"], expected.state["seed"])
    assert in_action_spec(step.action)


def words_after(trajectories, start):
    """Returns the seeds of one row over its frames by the contract."""
    firsts = sum(int(frame.step_type) == helpers.FIRST for frame in trajectories)
    word = (int(start[0]) + firsts * 0x9E3779B9) % 2**32
    return [word, (int(start[1]) + len(trajectories)) % 2**32]


def test_runs_in_a_py_driver():
    policy = py_tf_eager_policy.PyTFEagerPolicy(make_policy(), use_tf_function=True)
    frames, environment = [], random_environment()
    # One episode per run, because the driver takes a new initial state for later episodes.
    driver = py_driver.PyDriver(environment, policy, [frames.append], max_episodes=1)
    start = policy.get_initial_state(1)
    _, state = driver.run(environment.reset(), start)
    assert sum(frame.is_last() for frame in frames) == 1
    assert all(in_action_spec(frame.action) for frame in frames)
    assert list(np.uint32(state["seed"][0])) == words_after(frames, start["seed"][0])


def test_runs_in_a_dynamic_step_driver():
    policy = make_policy()
    frames = []

    def observe(frame):
        def keep(*leaves):
            rows = [leaf.numpy()[0] for leaf in leaves]
            frames.append(tf.nest.pack_sequence_as(frame, rows))

        return tf.py_function(keep, tf.nest.flatten(frame), [])

    environment = tf_py_environment.TFPyEnvironment(random_environment())
    driver = dynamic_step_driver.DynamicStepDriver(
        environment,
        policy,
        observers=[observe],
        num_steps=9,
    )
    start = policy.get_initial_state(1)
    _, state = driver.run(environment.reset(), start)
    # The driver does not count the step from LAST to FIRST.
    assert sum(not frame.is_boundary() for frame in frames) == 9
    assert all(in_action_spec(frame.action) for frame in frames)
    assert list(np.uint32(state["seed"][0])) == words_after(frames, start["seed"][0])


def test_runs_in_an_actor():
    policy = py_tf_eager_policy.PyTFEagerPolicy(make_policy(), use_tf_function=True)
    frames = []
    collector = actor.Actor(
        random_environment(),
        policy,
        tf.Variable(0, dtype=tf.int64),
        episodes_per_run=3,
        observers=[frames.append],
    )
    collector.run()
    collector.run()
    assert sum(bool(frame.is_boundary()) for frame in frames) == 6
    assert all(in_action_spec(frame.action) for frame in frames)


def test_greedy_policy_takes_the_same_action():
    """The step is in mid-episode, because the wrapper draws new seeds at FIRST."""
    policy = make_policy()
    state = policy.action(helpers.make_time_step(3), policy.get_initial_state(3)).state
    time_step = helpers.make_time_step(3, helpers.MID, seed=1)
    step, expected = (
        p.action(time_step, state) for p in (greedy_policy.GreedyPolicy(policy), policy)
    )
    np.testing.assert_array_equal(step.action, expected.action)
    tf.nest.map_structure(np.testing.assert_array_equal, step.state, expected.state)


def test_contract_policy_distribution_weighs_the_final_samples_by_their_energy():
    """Its mode is the action, and its samples follow softmax(−E) of the final samples."""
    scores = {}

    class Keep(protocols.Sampler):
        """A sampler that records its result."""

        def __call__(self, *args, **kwargs):
            scores["result"] = samplers.DerivativeFree()(*args, **kwargs)
            return scores["result"]

    policy = make_policy(sampler=Keep(), num_samples=5)
    time_step, state = helpers.make_time_step(2), policy.get_initial_state(2)
    distribution = policy.distribution(time_step, state).action
    result = scores["result"]
    np.testing.assert_array_equal(distribution.mode(), policy.action(time_step, state).action)

    points = helpers.make_normalizer().unscale_action(result.actions).numpy()
    samples = distribution.sample(4000, seed=3).numpy()
    probability = tf.nn.softmax(-result.energies).numpy()
    for row in range(2):
        counts = np.array([(samples[:, row] == point).all(-1).sum() for point in points[row]])
        expected = 4000 * probability[row]
        assert counts.sum() == 4000
        chi_square = np.sum((counts - expected) ** 2 / expected)
        assert chi_square < 18.5  # the 0.999 quantile at 4 degrees of freedom


def test_actions_stay_within_the_action_spec():
    """The data reach the bounds of the spec, and the energy decreases beyond them."""

    class Outward(helpers.CountingEnergyNetwork):
        def energy(self, code, actions, training=False):
            return -100.0 * tf.reduce_sum(actions, axis=-1)

    spec = helpers.ACTION_SPEC
    ends = np.stack([spec.minimum, spec.maximum])
    statistics = data_statistics.Statistics(
        {key: helpers.leaf_statistics(np.eye(2)) for key in helpers.OBSERVATION_SPEC},
        helpers.leaf_statistics(ends),
    )
    policy = policies.ImplicitPolicy(
        helpers.TIME_STEP_SPEC,
        spec,
        Outward(),
        normalizer_lib.Normalizer.from_statistics(statistics, helpers.OBSERVATION_SPEC, spec),
        2,
        proposals.Uniform(),
        policies.PolicySearch(samplers.DerivativeFree(num_iterations=5), 64),
    )
    action = policy.action(helpers.make_time_step(20), policy.get_initial_state(20)).action
    assert in_action_spec(action)
    np.testing.assert_allclose(action, np.broadcast_to(spec.maximum, (20, 2)), atol=1e-6)


def test_nested_action_spec():
    spec = {
        "arm": tensor_spec.BoundedTensorSpec((2,), tf.float64, -1.0, 1.0),
        "grip": tensor_spec.BoundedTensorSpec((), tf.float32, 0.0, 2.0),
    }
    statistics = data_statistics.Statistics(
        {key: helpers.leaf_statistics(np.eye(2)) for key in helpers.OBSERVATION_SPEC},
        {
            "arm": helpers.leaf_statistics(np.array([[-0.5, -1.0], [0.5, 1.0]])),
            "grip": helpers.leaf_statistics(np.array([0.0, 1.0]), leaf_rank=0),
        },
    )
    network = helpers.make_energy_network()
    policy = policies.ImplicitPolicy(
        helpers.TIME_STEP_SPEC,
        spec,
        network,
        normalizer_lib.Normalizer.from_statistics(statistics, helpers.OBSERVATION_SPEC, spec),
        2,
        proposals.Uniform(),
        policies.PolicySearch(number=16),
    )
    time_step, state = helpers.make_time_step(4), policy.get_initial_state(4)
    action = policy.action(time_step, state).action
    assert action["arm"].shape == (4, 2) and action["arm"].dtype == tf.float64
    assert action["grip"].shape == (4,) and action["grip"].dtype == tf.float32
    for row in range(4):
        assert array_spec.check_arrays_nest(
            tf.nest.map_structure(lambda leaf, row=row: leaf.numpy()[row], action),
            tensor_spec.to_nest_array_spec(spec),
        )
    distribution = policy.distribution(time_step, state).action
    tf.nest.map_structure(
        lambda d, a: np.testing.assert_allclose(d.mode(), a, atol=1e-6), distribution, action
    )


def test_variables_are_those_of_network_and_normalizer():
    """A variable container sends these to another process."""
    policy = make_policy()
    variables = {id(variable) for variable in policy.variables()}
    assert variables == {
        id(variable)
        for module in (policy._energy_network, policy._normalizer)
        for variable in module.variables
    }


@SAMPLERS
@pytest.mark.parametrize("window", [1, 3])
def test_optimize_returns_the_action_of_the_policy(sampler, window):
    """The input is that of `recall`, with and without a trace."""
    policy = make_policy(window, sampler)
    state = policy.get_initial_state(3)
    for number in range(3):
        time_step = helpers.make_time_step(3, helpers.MID if number else helpers.FIRST, number)
        step = policy.action(time_step, state)
        seen, seed, state = policy.recall(time_step, state)
        for kept, wanted in zip(*map(tf.nest.flatten, (state, step.state)), strict=True):
            np.testing.assert_array_equal(kept, wanted)
        for trace in (False, True):
            result = policy.optimize(seen, seed, trace)
            best = tf.gather(result.actions, tf.argmin(result.energies, axis=1), batch_dims=1)
            raw = helpers.make_normalizer().unscale_action(best)
            np.testing.assert_allclose(raw, step.action, atol=1e-6)
        np.testing.assert_array_equal(result.trace[-1], result.actions)


def test_zero_samples_raise():
    with pytest.raises(
        ValueError, match="PolicySearch.number must be an integer of at least 1, got 0"
    ):
        make_policy(num_samples=0)
