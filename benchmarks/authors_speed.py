"""Train steps and actions: this library against the authors' code, in turns in one run.

Usage: python benchmarks/authors_speed.py --checkout=DIR [--seconds=10] [--out=FILE] [WORK ...]

DIR holds a clone of the authors' repository; what is imported of it needs nothing that this library
does not need:

    git clone https://github.com/google-research/ibc DIR/ibc

The works are those of `equal_work.py`, which are the authors' own particle and pushing settings;
their agent is set up by their gin files. Both sides have the same batch, number of weights, samples
and length of chains (the last three are compared before anything is timed), three rounds of the
derivative-free optimiser, and the same random observations and actions. Each side is timed with
TensorFlow's threads as they come, and with one thread an operation and as many operations at once
as there are cores; each in a process of its own, one call of each in turn. Train steps stand in a
tf.function under a summary writer that records nothing meanwhile, as in TF-Agents' Learner between
two records; actions are those of the agent's policy in a tf.function.

What differs: the authors' step gets normalised windows from its input, ours normalises, checks and
repairs windows in the step; ours remembers the window in its policy, theirs gets it whole; their
observations, one vector here, are some vectors in their environments, joined in the network. Their
chains also collect all visited actions, energies and slopes, and their step reports how far
counter-examples are from the demonstration, both by their settings. Their particle gin file asks
for chains of 100, but 25 run, the function's default: tf.function passes defaults on to what gin
would configure.
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

# How TensorFlow uses the cores: as it comes, and each operation in one thread, several at once.
_THREADS = {
    "as they come": {},
    "one an operation": {
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": str(machine.num_cores()),
    },
}
# Of `Normalizer`, over actions in [−1, 1].
_SAMPLED_TO = 1.1


def main() -> None:
    """Measures, prints a table and writes it where --out says."""
    parser = equal_work.make_parser(__doc__.splitlines()[0])
    parser.add_argument("--checkout", type=pathlib.Path, required=True, help="holds ibc/")
    arguments = parser.parse_args()
    if not (arguments.checkout / "ibc" / "ibc" / "agents" / "ibc_agent.py").is_file():
        parser.error(f"{arguments.checkout} holds no clone ibc/ of the authors' repository")
    print("| work | threads | authors' | here | times | authors', a CPU-second | here | times |")
    print("|---|---|---|---|---|---|---|---|")
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        sides = {
            "authors": functools.partial(_prepare_authors, folder, arguments.checkout),
            "here": functools.partial(_prepare_here, folder),
        }
        processes = {
            f"{side}, {threads}": measuring.Elsewhere(prepare, environment)
            for side, prepare in sides.items()
            for threads, environment in _THREADS.items()
        }
        for name in arguments.works or equal_work.WORKS:
            ways = {way: process.prepare(name) for way, process in processes.items()}
            results[name] = measuring.rates_in_turns(ways, arguments.seconds)
            for threads in _THREADS:
                print(_row(equal_work.WORKS[name], threads, results[name]), flush=True)
    if arguments.out:
        content = {"works": results, **measuring.machine()}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


def _prepare_here(folder: str, name: str) -> tuple[Callable[[], Any], int]:
    """As `Work.prepare` of this library's agent."""
    _be_as_in_a_learner(folder)
    return equal_work.WORKS[name].prepare(textbook=False)


def _prepare_authors(
    folder: str, checkout: pathlib.Path, name: str
) -> tuple[Callable[[], Any], int]:
    """As `Work.prepare` of the authors' agent."""
    _be_as_in_a_learner(folder)
    if os.fspath(checkout) not in sys.path:
        sys.path.insert(0, os.fspath(checkout))
    work = equal_work.WORKS[name]
    agent = _agent(work, checkout)
    agent.initialize()
    experience = work.experience(work.batch_size)
    if work.acts:
        return equal_work.actions(agent, experience.observation)
    return equal_work.train_steps(agent, (experience.observation, experience.action[:, -1]))


def _agent(work: equal_work.Work, checkout: pathlib.Path) -> tf_agent.TFAgent:
    """Their agent as their training command makes it, of their settings."""
    ibc_agent = importlib.import_module("ibc.ibc.agents.ibc_agent")
    mlp_ebm = importlib.import_module("ibc.networks.mlp_ebm")
    stats = importlib.import_module("ibc.ibc.train.stats")
    _configure(work, checkout)
    observation_spec = tf.TensorSpec([work.window, work.observation_size], tf.float32)
    highest = np.ones([work.action_size], np.float32)
    action_spec, sampled_spec = (
        tensor_spec.BoundedTensorSpec([work.action_size], tf.float32, -bound, bound)
        for bound in (2.0 * highest, _SAMPLED_TO * highest)
    )
    network = mlp_ebm.MLPEBM((observation_spec, action_spec), tf.TensorSpec([1]))
    of_observations = np.zeros([work.observation_size]), np.ones([work.observation_size])
    rate = tf.keras.optimizers.schedules.ExponentialDecay(1e-3, decay_steps=100, decay_rate=0.99)
    agent = ibc_agent.ImplicitBCAgent(
        ts.time_step_spec(observation_spec),
        action_spec,
        sampled_spec,
        network,
        tf.keras.optimizers.Adam(rate),
        obs_norm_layer=stats.StdNormalizationLayer(*of_observations),
        act_norm_layer=stats.MinMaxNormalizationLayer(-highest, highest),
        act_denorm_layer=stats.MinMaxDenormalizationLayer(-highest, highest),
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    _check_equal(work, network, sampled_spec)
    return agent


def _configure(work: equal_work.Work, checkout: pathlib.Path) -> None:
    """Parses their gin file; what belongs to their command, which is not imported, is skipped."""
    name = "particle/mlp_ebm_langevin" if work.chain else "pushing_states/mlp_ebm_best"
    text = (checkout / "ibc" / "ibc" / "configs" / f"{name}.gin").read_text()
    gin.clear_config()
    # Ours has the same name.
    gin.parse_config(
        text.replace("ImplicitBCAgent.", "ibc_agent.ImplicitBCAgent."), skip_unknown=True
    )


def _check_equal(
    work: equal_work.Work, network: Any, sampled_spec: tensor_spec.BoundedTensorSpec
) -> None:
    """Ends the program where the two sides would not do the same work."""
    ours = work.agent(textbook=False)
    num_samples = "IbcPolicy.num_action_samples"
    if not work.acts:
        num_samples = "ibc_agent.ImplicitBCAgent.num_counter_examples"
    compared = {
        "weights": (_size(network), _size(ours.energy_network)),
        "samples": (gin.query_parameter(num_samples), work.num_samples),
    }
    if work.chain:
        compared["steps of a chain"] = (_chain_length(network, sampled_spec), work.chain)
    different = {name: pair for name, pair in compared.items() if pair[0] != pair[1]}
    if different:
        raise SystemExit(f"{work.title}: the authors' and ours differ in {different}")


def _chain_length(network: Any, sampled_spec: tensor_spec.BoundedTensorSpec) -> int:
    """Runs a chain of theirs and counts its steps."""
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
def _be_as_in_a_learner(folder: str) -> contextlib.ExitStack:
    """For good, a summary writer that might record: whatever would be reported is computed."""
    recording = tf.Variable(False)
    stack = contextlib.ExitStack()
    stack.enter_context(tf.summary.create_file_writer(folder).as_default())
    stack.enter_context(tf.summary.record_if(recording.read_value))
    return stack


def _row(work: equal_work.Work, threads: str, rates: dict[str, dict[str, float]]) -> str:
    """A row of the table."""
    cells = [work.title, threads]
    authors, here = rates[f"authors, {threads}"], rates[f"here, {threads}"]
    for unit in ("per_second", "per_cpu_second"):
        cells += [work.shown(authors[unit]), work.shown(here[unit])]
        cells.append(f"{here[unit] / authors[unit]:.2f}")
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
