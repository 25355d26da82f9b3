"""Compares the weights after training between two checkouts of this project.

Usage: python benchmarks/same_weights.py BEFORE [--steps=100] [WORKLOAD ...]

Trains ReLU energies from the in-memory source on random demonstrations, once with the checkout
BEFORE and once with this checkout, in separate processes with the same seed, data and settings.
Prints for each workload whether all weights are bit-identical, the largest difference of a weight
relative to the largest weight of its variable, and the largest relative difference of the losses.
The workload sets whether blocks are used, because a measurement could choose differently.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

_BATCH_SIZE, _EPISODES, _LENGTH = 256, 20, 50
_OBSERVATION_SIZE, _ACTION_SIZE, _WINDOW = 8, 2, 2
_WORKLOADS = (
    "uniform",
    "uniform_blocks",
    "langevin",
    "langevin_blocks",
    "basins",
    "autoregressive",
)


def main() -> None:
    """Trains in both checkouts and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=pathlib.Path, help="another checkout")
    parser.add_argument(
        "workloads", nargs="*", default=_WORKLOADS, metavar="WORKLOAD", help=", ".join(_WORKLOADS)
    )
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--write", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_intermixed_args()
    if arguments.write:  # in the process of one checkout
        np.savez(arguments.write, **_train(arguments.workloads[0], arguments.steps))
        return
    print("| workload | weights | largest difference of weights | of losses |")
    print("|---|---|---|---|")
    for workload in arguments.workloads:
        before, here = (
            _train_in(checkout.resolve(), workload, arguments.steps)
            for checkout in (arguments.before, pathlib.Path(__file__).parent.parent)
        )
        differences = {name: _difference(before[name], here[name]) for name in before}
        loss_difference = differences.pop("losses")
        comparison = "different" if any(differences.values()) else "bit-identical"
        largest = max(differences.values())
        print(f"| {workload} | {comparison} | {largest:.1e} | {loss_difference:.1e} |")


def _train_in(checkout: pathlib.Path, workload: str, steps: int) -> dict[str, np.ndarray]:
    """Trains in a process that imports a checkout; returns its weights and losses."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "weights.npz"
        environment = {
            **os.environ,
            "PYTHONPATH": os.fspath(checkout),
            "TF_CPP_MIN_LOG_LEVEL": "2",
        }
        command = [sys.executable, "-W", "ignore", __file__, os.fspath(checkout), workload]
        command += [f"--steps={steps}", f"--write={path}"]
        subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)
        with np.load(path) as arrays:
            return dict(arrays)


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max() / max(np.abs(one).max(), 1e-30))


def _train(workload: str, steps: int) -> dict[str, np.ndarray]:
    """Returns the weights after training, by index, and the losses of all steps."""
    import tensorflow as tf
    from tf_agents.specs import tensor_spec
    from tf_agents.trajectories import time_step as ts
    from tf_agents.trajectories import trajectory

    from data import Episode, InMemorySource, compute_statistics

    try:
        from ibc_agents.core import normalizer
    except ImportError:  # a checkout without sub-packages
        from ibc_agents import normalizer

    tf.keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    step_type = np.full(_LENGTH, ts.StepType.MID, np.int32)
    step_type[0], step_type[-1] = ts.StepType.FIRST, ts.StepType.LAST
    observation_spec = tf.TensorSpec([_OBSERVATION_SIZE], tf.float32)
    action_spec = tensor_spec.BoundedTensorSpec([_ACTION_SIZE], tf.float32, -1.0, 1.0)
    episodes = [
        Episode(
            trajectory.Trajectory(
                step_type=step_type,
                observation=rng.normal(size=[_LENGTH, _OBSERVATION_SIZE]).astype(np.float32),
                action=rng.uniform(-1, 1, [_LENGTH, _ACTION_SIZE]).astype(np.float32),
                policy_info=(),
                next_step_type=np.roll(step_type, -1),
                reward=np.zeros(_LENGTH, np.float32),
                discount=np.ones(_LENGTH, np.float32),
            )
        )
        for _ in range(_EPISODES)
    ]
    time_step_spec = ts.time_step_spec(observation_spec)
    spec = trajectory.Trajectory(
        time_step_spec.step_type,
        observation_spec,
        action_spec,
        (),
        time_step_spec.step_type,
        time_step_spec.reward,
        time_step_spec.discount,
    )
    statistics = compute_statistics([episode.frames for episode in episodes], spec)
    source = InMemorySource()
    source.load(episodes, spec)
    batches = iter(source.dataset(_WINDOW, _BATCH_SIZE, 0))
    agent_class, settings = _agent(workload)
    agent = agent_class(
        time_step_spec,
        action_spec,
        normalizer.Normalizer(statistics, observation_spec, action_spec),
        optimizer=tf.keras.optimizers.Adam(1e-3),
        window=_WINDOW,
        train_step_counter=tf.Variable(0, dtype=tf.int64),
        **settings,
    )
    agent.initialize()
    train = tf.function(agent.train, autograph=False)
    losses = [train(next(batches)[0]).loss.numpy() for _ in range(steps)]
    variables = agent.energy_network.trainable_variables
    weights = {str(k): variable.numpy() for k, variable in enumerate(variables)}
    return {**weights, "losses": np.array(losses)}


def _agent(workload: str):
    """Returns the class of an agent and its settings, by the names of the imported checkout."""
    from ibc_agents import agents, losses, networks, samplers

    grouped = hasattr(agents, "CounterExamples")  # else the checkout has ungrouped settings
    options = {}
    name, _, in_blocks = workload.partition("_")
    if grouped:
        from ibc_agents import acceleration

        settings = {"acceleration": acceleration.Acceleration(blocks=bool(in_blocks))}
    else:
        settings = {}
        options["blocks"] = networks.CacheBlocks(enabled=bool(in_blocks))
    if name == "autoregressive":
        heads = networks.PrefixEnergyNetwork(lambda: networks.MlpEnergyNetwork(64, 2, **options))
        return agents.AutoregressiveBCAgent, {
            **settings,
            "energy_network": heads,
            "num_counter_examples": 64,
        }
    head = networks.SoftMinimum(num_basins=2) if name == "basins" else None
    encoder = networks.MlpEncoder(width=64, depth=2)
    settings["energy_network"] = networks.MlpEnergyNetwork(
        64, 4, encoder=encoder, head=head, **options
    )
    if name == "uniform":
        number, sampler, noise = 64, None, 0.0
    else:
        number, sampler, noise = 8, samplers.Langevin(15), 0.02
        settings["gradient_penalty"] = losses.GradientPenalty()
    if grouped:
        if name == "basins":
            settings["conditional_nce"] = losses.ConditionalNCE()
        settings["counter_examples"] = agents.CounterExamples(
            number=number, sampler=sampler, action_noise_stddev=noise
        )
    else:
        if name == "basins":
            settings["neighborhood"] = losses.Neighborhood()
        settings.update(
            num_counter_examples=number, counter_example_sampler=sampler, smoothing=noise
        )
    return agents.ImplicitBCAgent, settings


if __name__ == "__main__":
    main()
