"""Small specs, data, energies and agents for the tests of ibc_agents."""

from __future__ import annotations

from typing import Any

import hypothesis
import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import dataset_statistics as data_statistics
from ibc_agents import agents, networks, policies, samplers
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import protocols
from ibc_agents.networks.energy import energy_network
from ibc_agents.networks.layers import dense_resnet

# Random examples that are the same in every run.
properties = hypothesis.settings(max_examples=15, deadline=None, derandomize=True, database=None)

FIRST, MID, LAST = (int(kind) for kind in (ts.StepType.FIRST, ts.StepType.MID, ts.StepType.LAST))

OBSERVATION_SPEC = {
    "goal": tf.TensorSpec((2,), tf.float32, "goal"),
    "position": tensor_spec.BoundedTensorSpec((2,), tf.float32, -1.0, 2.0, "position"),
}
# The two dimensions differ in all statistics, so that exchanging them is always detected.
ACTION_SPEC = tensor_spec.BoundedTensorSpec((2,), tf.float32, [-1.0, 0.0], [1.0, 3.0], "action")
TIME_STEP_SPEC = ts.time_step_spec(OBSERVATION_SPEC)


def make_bounds(low: Any, high: Any) -> protocols.Bounds:
    return protocols.Bounds(tf.constant(low, tf.float32), tf.constant(high, tf.float32))


UNIT_BOUNDS = make_bounds([-1.0, -1.0], [1.0, 1.0])


def quadratic(center: Any, steepness: float = 10.0) -> protocols.EnergyFunction:
    """Returns ½ · steepness · |a − center|² as an energy; center [A] or [B, 1, A]."""
    return protocols.EnergyFunction(
        lambda actions: 0.5 * steepness * tf.reduce_sum(tf.square(actions - center), axis=-1)
    )


def leaf_statistics(values: np.ndarray, leaf_rank: int = 1) -> data_statistics.LeafStatistics:
    """Returns the statistics of values [..., *leaf] by NumPy."""
    rows = np.asarray(values, np.float64)
    rows = rows.reshape(-1, *rows.shape[rows.ndim - leaf_rank :])
    return data_statistics.LeafStatistics(
        len(rows), rows.mean(0), rows.std(0), rows.min(0), rows.max(0)
    )


def demonstrate(observation: Any) -> Any:
    """Returns the action to learn, within ACTION_SPEC; it depends on both observations."""
    x = 0.6 * observation["goal"][..., :1] - 0.3 * observation["position"][..., 1:]
    y = 1.5 + observation["position"][..., :1]
    return np.concatenate([x, y], axis=-1).astype(np.float32)


def make_experience(batch_size: int, window: int, seed: int = 0) -> trajectory.Trajectory:
    """Returns demonstrations [B, T, …] from the middle of an episode."""
    rng = np.random.default_rng(seed)
    observation = {
        key: rng.uniform(-1, 1, (batch_size, window, 2)).astype(np.float32)
        for key in ("goal", "position")
    }
    step_type = np.full((batch_size, window), MID, np.int32)
    return tf.nest.map_structure(
        tf.constant,
        trajectory.Trajectory(
            step_type=step_type,
            observation=observation,
            action=demonstrate(observation),
            policy_info=(),
            next_step_type=step_type,
            reward=np.zeros((batch_size, window), np.float32),
            discount=np.ones((batch_size, window), np.float32),
        ),
    )


# make_two_modes demonstrates both actions, but neither their mean nor mixtures of them.
TWO_MODES = np.array([[-0.5, 2.2], [0.5, 0.8]], np.float32)


def make_two_modes(batch_size: int, seed: int) -> trajectory.Trajectory:
    """Returns demonstrations [B, 1, …] of two actions, independent of the observation."""
    experience = make_experience(batch_size, 1, seed)
    rng = np.random.default_rng(seed)
    actions = TWO_MODES[rng.integers(0, 2, batch_size)] + rng.normal(0, 0.02, (batch_size, 2))
    return experience._replace(action=tf.constant(actions[:, None], tf.float32))


def make_normalizer(
    experience: trajectory.Trajectory | None = None,
) -> normalizer_lib.Normalizer:
    """Returns the normalizer of some experience, by default of make_experience."""
    experience = experience or make_experience(500, 1)
    return normalizer_lib.Normalizer.from_dataset([experience], OBSERVATION_SPEC, ACTION_SPEC)


def make_energy_network(seed: int = 0) -> networks.MlpEnergyNetwork:
    tf.keras.utils.set_random_seed(seed)
    return networks.MlpEnergyNetwork(width=16, depth=2)


def make_agent(window: int = 2, seed: int = 0, **kwargs) -> agents.ImplicitBCAgent:
    """Returns a small implicit agent with its own step counter and seeded weights."""
    settings = dict(
        time_step_spec=TIME_STEP_SPEC,
        action_spec=ACTION_SPEC,
        normalizer=make_normalizer(),
        energy_network=make_energy_network(seed),
        optimizer=tf.keras.optimizers.Adam(1e-2),
        counter_examples=agents.CounterExamples(number=16),
        policy_search=policies.PolicySearch(number=32),
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    agent = agents.ImplicitBCAgent(window=window, seed=seed, **{**settings, **kwargs})
    agent.initialize()
    return agent


def make_autoregressive_agent(
    window: int = 2, seed: int = 0, **kwargs
) -> agents.AutoregressiveBCAgent:
    """Returns a small autoregressive agent with its own step counter and seeded weights."""
    tf.keras.utils.set_random_seed(seed)
    settings = dict(
        normalizer=make_normalizer(),
        energy_network=networks.PrefixEnergyNetwork(
            lambda: networks.MlpEnergyNetwork(width=16, depth=2),
            networks.MlpEncoder(width=16, depth=2),
        ),
        optimizer=tf.keras.optimizers.Adam(1e-2),
        num_counter_examples=16,
        policy_search=policies.PolicySearch(
            samplers.Autoregressive(samplers.DerivativeFree(num_iterations=1)), 32
        ),
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    agent = agents.AutoregressiveBCAgent(
        TIME_STEP_SPEC, ACTION_SPEC, window=window, seed=seed, **{**settings, **kwargs}
    )
    agent.initialize()
    return agent


def make_mse_agent(window: int = 2, seed: int = 0, **kwargs) -> agents.MseAgent:
    """Returns a small explicit agent with its own step counter and seeded weights."""
    return _make_explicit_agent(agents.MseAgent, window, seed, **kwargs)


def make_mdn_agent(window: int = 2, seed: int = 0, **kwargs) -> agents.MdnAgent:
    """Returns an agent as `make_mse_agent`, with a mixture density."""
    return _make_explicit_agent(agents.MdnAgent, window, seed, **kwargs)


def make_diffusion_agent(window: int = 2, seed: int = 0, **kwargs) -> agents.DiffusionAgent:
    """Returns an agent as `make_mse_agent`, with a diffusion process."""
    return _make_explicit_agent(agents.DiffusionAgent, window, seed, **{"width": 32, **kwargs})


def _make_explicit_agent(agent_class: Any, window: int, seed: int, **kwargs) -> Any:
    tf.keras.utils.set_random_seed(seed)
    settings = dict(
        normalizer=make_normalizer(),
        encoder=networks.MlpEncoder(width=16, depth=2),
        optimizer=tf.keras.optimizers.Adam(1e-2),
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    agent = agent_class(
        TIME_STEP_SPEC, ACTION_SPEC, window=window, seed=seed, **{**settings, **kwargs}
    )
    agent.initialize()
    return agent


def make_mixture(
    batch_size: int, num_components: int, action_size: int, seed: int = 0
) -> networks.MixtureParameters:
    """Returns random mixtures over [-1, 1]^A with broad and narrow components."""
    rng = np.random.default_rng(seed)
    shape = (batch_size, num_components, action_size)
    return networks.MixtureParameters(
        tf.constant(rng.normal(0, 2, shape[:2]), tf.float32),
        tf.constant(rng.uniform(-1, 1, shape), tf.float32),
        tf.constant(np.exp(rng.uniform(np.log(0.01), 0, shape)), tf.float32),
    )


def mixture_log_density(
    parameters: networks.MixtureParameters, actions: Any, temperature: float = 1.0
) -> np.ndarray:
    """Returns log densities [..., B] of actions [..., B, A] by NumPy in float64."""
    logits, means, stddevs = (np.asarray(p, np.float64) for p in parameters)
    log_weights = logits / temperature
    log_weights -= np.logaddexp.reduce(log_weights, axis=-1)[:, None]
    z = (np.asarray(actions, np.float64)[..., None, :] - means) / stddevs
    log_normal = -0.5 * z**2 - np.log(stddevs) - 0.5 * np.log(2 * np.pi)
    return np.logaddexp.reduce(log_weights + log_normal.sum(axis=-1), axis=-1)


def make_time_step(batch_size: int, step_types: Any = FIRST, seed: int = 0) -> ts.TimeStep:
    """Returns random observations [B, …] of OBSERVATION_SPEC."""
    experience = make_experience(batch_size, 1, seed)
    return ts.TimeStep(
        step_type=tf.constant(np.broadcast_to(np.int32(step_types), batch_size)),
        reward=tf.zeros(batch_size),
        discount=tf.ones(batch_size),
        observation=tf.nest.map_structure(lambda leaf: leaf[:, 0], experience.observation),
    )


def compiled(function: Any) -> Any:
    """Compiles a function as TF-Agents' Learner does, without autograph."""
    return tf.function(function, autograph=False)


def executed_operations(session: Any, outputs: Any, feed: Any) -> list[str]:
    """The operations that a session runs for the outputs, after optimization of its graph."""
    metadata = tf.compat.v1.RunMetadata()
    options = tf.compat.v1.RunOptions(output_partition_graphs=True)
    session.run(outputs, feed, options, metadata)
    return [node.op for graph in metadata.partition_graphs for node in graph.node]


def numpy(nest: Any) -> Any:
    return tf.nest.map_structure(lambda value: np.array(value), nest)


class CountingEnergyNetwork(energy_network.EnergyNetwork):
    """20 · |a − the newest goal|², counting how often the encoder runs."""

    def __init__(self):
        super().__init__(name="CountingEnergyNetwork")
        self._scale = self.add_weight("scale", initializer="ones")
        self.encoded = 0

    def encode(self, observation, training=False):
        self.encoded += 1
        newest = {key: value[:, -1:] for key, value in observation.items()}
        return dense_resnet.flatten_observation({"goal": newest["goal"]}) * self._scale

    def energy(self, code, actions, training=False):
        return 20.0 * tf.reduce_sum(tf.square(actions - code[:, None]), axis=-1)
