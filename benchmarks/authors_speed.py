"""Compares the speed of this library with the authors' code, in alternating calls of one run.

Usage: python benchmarks/authors_speed.py --checkout=DIR [--seconds=10] [--out=FILE] [WORKLOAD ...]

DIR holds a clone of the authors' repository. The imported modules need no additional packages:

    git clone https://github.com/google-research/ibc DIR/ibc

The workloads are those of `equal_work.py`, which are the authors' particle and pushing settings.
The authors' gin files configure their agent. Both implementations have the same batch size, number
of weights, number of samples and chain length (the last three are checked before any measurement),
three iterations of the derivative-free optimizer, and the same random observations and actions.
Each implementation is measured with TensorFlow's default threads, and with one thread per operation
and as many concurrent operations as cores. Each combination has its own process. Train steps run in
a tf.function with a summary writer that does not record, as in TF-Agents' Learner between two
summaries. Actions are those of the agent's policy in a tf.function.

The following differences remain. The authors' train step receives normalized windows from its input
pipeline; ours normalizes, checks and pads windows in the step. Our policy stores the window; theirs
receives complete windows. Their environments have several observation vectors, which the network
concatenates; the workloads have one. By their settings, their chains also collect all visited
actions, energies and gradients, and their train step reports the distances of counter-examples from
the demonstration. Their particle gin file sets chains of 100 steps, but chains of 25 steps run, the
default of the function, because tf.function passes default arguments to the configured function.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import math
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import equal_work
import gin
import measuring
import numpy as np
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from ibc_agents.acceleration import machine

# Environment variables of each use of the cores.
_THREADS = {
    "default threads": {},
    "one thread per operation": {
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": str(machine.num_cores()),
    },
}
# Bound of sampled actions by `Normalizer`, for demonstrated actions in [−1, 1].
_SAMPLING_BOUND = 1.1


def main() -> None:
    """Measures, prints a table and writes the results to --out."""
    parser = equal_work.make_parser(__doc__.splitlines()[0])
    parser.add_argument(
        "--checkout", type=pathlib.Path, required=True, help="folder that contains the clone ibc/"
    )
    arguments = parser.parse_args()
    if not (arguments.checkout / "ibc" / "ibc" / "agents" / "ibc_agent.py").is_file():
        parser.error(f"{arguments.checkout} has no clone ibc/ of the authors' repository")
    print("| workload | threads | authors | here | speedup | authors, CPU time | here | speedup |")
    print("|---|---|---|---|---|---|---|---|")
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        implementations = {
            "authors": functools.partial(_prepare_authors, folder, arguments.checkout),
            "here": functools.partial(_prepare_here, folder),
        }
        processes = {
            f"{implementation}, {threads}": measuring.WorkloadProcess(prepare, environment)
            for implementation, prepare in implementations.items()
            for threads, environment in _THREADS.items()
        }
        for name in arguments.workloads or equal_work.WORKLOADS:
            prepared = {key: process.prepare(name) for key, process in processes.items()}
            results[name] = measuring.alternating_rates(prepared, arguments.seconds)
            for threads in _THREADS:
                print(_row(equal_work.WORKLOADS[name], threads, results[name]), flush=True)
    if arguments.out:
        content = {"workloads": results, **measuring.machine()}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


def _prepare_here(folder: str, name: str) -> tuple[Callable[[], Any], int]:
    """Prepares a workload with this library's agent, as `Workload.prepare`."""
    _enter_summary_writer(folder)
    return equal_work.WORKLOADS[name].prepare(textbook=False)


def _prepare_authors(
    folder: str, checkout: pathlib.Path, name: str
) -> tuple[Callable[[], Any], int]:
    """Prepares a workload with the authors' agent, as `Workload.prepare`."""
    _enter_summary_writer(folder)
    if os.fspath(checkout) not in sys.path:
        sys.path.insert(0, os.fspath(checkout))
    workload = equal_work.WORKLOADS[name]
    agent = _agent(workload, checkout)
    agent.initialize()
    experience = workload.experience(workload.batch_size)
    if workload.acts:
        return equal_work.actions(agent, experience.observation)
    return equal_work.train_steps(agent, (experience.observation, experience.action[:, -1]))


def _agent(workload: equal_work.Workload, checkout: pathlib.Path) -> tf_agent.TFAgent:
    """Returns the authors' agent with the settings of their training command."""
    ibc_agent = importlib.import_module("ibc.ibc.agents.ibc_agent")
    mlp_ebm = importlib.import_module("ibc.networks.mlp_ebm")
    stats = importlib.import_module("ibc.ibc.train.stats")
    _configure(workload, checkout)
    observation_spec = tf.TensorSpec([workload.window, workload.observation_size], tf.float32)
    highest = np.ones([workload.action_size], np.float32)
    action_spec, sampled_spec = (
        tensor_spec.BoundedTensorSpec([workload.action_size], tf.float32, -bound, bound)
        for bound in (2.0 * highest, _SAMPLING_BOUND * highest)
    )
    network = mlp_ebm.MLPEBM((observation_spec, action_spec), tf.TensorSpec([1]))
    mean_and_stddev = np.zeros([workload.observation_size]), np.ones([workload.observation_size])
    rate = tf.keras.optimizers.schedules.ExponentialDecay(1e-3, decay_steps=100, decay_rate=0.99)
    agent = ibc_agent.ImplicitBCAgent(
        ts.time_step_spec(observation_spec),
        action_spec,
        sampled_spec,
        network,
        tf.keras.optimizers.Adam(rate),
        obs_norm_layer=stats.StdNormalizationLayer(*mean_and_stddev),
        act_norm_layer=stats.MinMaxNormalizationLayer(-highest, highest),
        act_denorm_layer=stats.MinMaxDenormalizationLayer(-highest, highest),
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    _check_equal(workload, network, sampled_spec)
    return agent


def _configure(workload: equal_work.Workload, checkout: pathlib.Path) -> None:
    """Parses the authors' gin file, except for the settings of their command."""
    name = "particle/mlp_ebm_langevin" if workload.chain else "pushing_states/mlp_ebm_best"
    text = (checkout / "ibc" / "ibc" / "configs" / f"{name}.gin").read_text()
    gin.clear_config()
    # This library has a configurable with the same name.
    gin.parse_config(
        text.replace("ImplicitBCAgent.", "ibc_agent.ImplicitBCAgent."), skip_unknown=True
    )


def _check_equal(
    workload: equal_work.Workload, network: Any, sampled_spec: tensor_spec.BoundedTensorSpec
) -> None:
    """Exits if the two implementations differ in a size."""
    ours = workload.agent(textbook=False)
    num_samples = "IbcPolicy.num_action_samples"
    if not workload.acts:
        num_samples = "ibc_agent.ImplicitBCAgent.num_counter_examples"
    compared = {
        "weights": (_size(network), _size(ours.energy_network)),
        "samples": (gin.query_parameter(num_samples), workload.num_samples),
    }
    if workload.chain:
        compared["chain length"] = (_chain_length(network, sampled_spec), workload.chain)
    different = {name: pair for name, pair in compared.items() if pair[0] != pair[1]}
    if different:
        raise SystemExit(f"{workload.title}: the two implementations differ in {different}")


def _chain_length(network: Any, sampled_spec: tensor_spec.BoundedTensorSpec) -> int:
    """Returns the number of steps of a chain in the authors' code."""
    mcmc = importlib.import_module("ibc.ibc.agents.mcmc")
    observation, action = (tf.zeros([1, *spec.shape]) for spec in network.input_tensor_spec)
    limits = sampled_spec.minimum, sampled_spec.maximum
    _, chain = mcmc.langevin_actions_given_obs(
        network, observation, action, (), *limits, num_action_samples=1, return_chain=True
    )
    return chain.energies.shape[0]


def _size(network: Any) -> int:
    return sum(math.prod(weight.shape) for weight in network.trainable_weights)


@functools.cache
def _enter_summary_writer(folder: str) -> contextlib.ExitStack:
    """Enters a summary writer for the rest of the process, so that all summaries are computed."""
    recording = tf.Variable(False)
    stack = contextlib.ExitStack()
    stack.enter_context(tf.summary.create_file_writer(folder).as_default())
    stack.enter_context(tf.summary.record_if(recording.read_value))
    return stack


def _row(workload: equal_work.Workload, threads: str, rates: dict[str, dict[str, float]]) -> str:
    """Returns a row of the table."""
    cells = [workload.title, threads]
    authors, here = rates[f"authors, {threads}"], rates[f"here, {threads}"]
    for unit in ("per_second", "per_cpu_second"):
        cells += [workload.format_rate(authors[unit]), workload.format_rate(here[unit])]
        cells.append(f"{here[unit] / authors[unit]:.2f}")
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
