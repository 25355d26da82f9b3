"""Compares this library with a textbook implementation on the same workloads, in one run.

Usage: python benchmarks/equal_work.py [--seconds=10] [--out=FILE] [--plot=FILE] [WORKLOAD ...]

A workload is a train step or an action with given sizes. Both implementations have the same
network, batch, number of samples, chain length, agent and policy, in float32. The textbook
implementation repeats the observation for every sample, concatenates it with the action, and
computes all gradients by backpropagation. The FLOP count of a workload is that of the textbook
implementation for both. The rate of matrix products in the same run is the reference for the speed
of the machine. Observations and actions are random. --plot draws the time by kind of operation. The
profile is taken after the rates, because profiling slows the operations.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import choices
import measuring  # sets the search path; must precede imports of the project
import outputs
import tensorflow as tf
import where_time_goes
from tf_agents.agents import tf_agent
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from ibc_agents import agents, losses, networks, policies, samplers
from ibc_agents.core import normalizer
from ibc_agents.networks.layers import dense_resnet

_STEPS_PER_CALL = 5
_IMPLEMENTATIONS = ("textbook", "here")


class TextbookEnergyNetwork(networks.EnergyNetwork):
    """A width × depth dense ResNet on [o, a], with the observation repeated for every action."""

    def __init__(self, width: int, depth: int):
        super().__init__(name="TextbookEnergyNetwork")
        self._projection = tf.keras.layers.Dense(width)
        self._blocks = dense_resnet.DenseResNet(width, depth)
        self._head = tf.keras.layers.Dense(1)

    def encode(self, observation, training=False):
        del training
        return dense_resnet.flatten_observation(observation)

    def energy(self, code, actions, training=False):
        del training
        shape = tf.shape(actions)
        repeated = tf.repeat(code, shape[1], axis=0)
        inputs = tf.concat([repeated, tf.reshape(actions, [-1, actions.shape[-1]])], axis=-1)
        return tf.reshape(self._head(self._blocks(self._projection(inputs))), shape[:2])


@dataclasses.dataclass(frozen=True)
class Workload:
    """A train step, or an action if `batch_size` is 1."""

    title: str
    width: int
    depth: int
    observation_size: int
    batch_size: int
    num_samples: int
    chain: int = 0  # Langevin steps
    rounds: int = 0  # iterations of the derivative-free optimizer
    window: int = 2
    action_size: int = 2

    @property
    def acts(self) -> bool:
        return self.batch_size == 1

    def forward_flops(self) -> float:
        """Returns the FLOP of the energy of one sample."""
        inputs = self.window * self.observation_size + self.action_size
        return 2.0 * (inputs * self.width + self.depth * self.width**2 + self.width)

    def flops(self) -> float:
        """Returns the FLOP of one train step or one action."""
        samples = self.batch_size * self.num_samples
        # Forward pass, and backward pass to the action.
        searched = samples * (2 * self.chain + self.rounds)
        if self.acts:
            return searched * self.forward_flops()
        # Forward pass, and backward pass to weights and inputs. The penalty doubles it.
        scored = (samples + self.batch_size) * (6 if self.chain else 3)
        return (searched + scored) * self.forward_flops()

    def network(self, textbook: bool) -> networks.EnergyNetwork:
        make = TextbookEnergyNetwork if textbook else networks.MlpEnergyNetwork
        return make(width=self.width, depth=self.depth)

    def agent(self, textbook: bool) -> agents.ImplicitBCAgent:
        observation_spec = tf.TensorSpec([self.observation_size], tf.float32)
        action_spec = tf.TensorSpec([self.action_size], tf.float32)
        episodes = tf.data.Dataset.from_tensors(self.experience(64))
        langevin = samplers.Langevin(self.chain) if self.chain else None
        return agents.ImplicitBCAgent(
            ts.time_step_spec(observation_spec),
            action_spec,
            normalizer.Normalizer.from_dataset(episodes, observation_spec, action_spec),
            self.network(textbook),
            tf.keras.optimizers.Adam(1e-3),
            window=self.window,
            counter_examples=agents.CounterExamples(number=self.num_samples, sampler=langevin),
            gradient_penalty=losses.GradientPenalty() if self.chain else None,
            policy_search=policies.PolicySearch(
                langevin or samplers.DerivativeFree(max(1, self.rounds)), self.num_samples
            ),
            train_step_counter=tf.Variable(0, dtype=tf.int64),
        )

    def experience(self, batch_size: int) -> trajectory.Trajectory:
        """Returns random frames ``[B, T, …]`` from the middle of an episode."""
        shape = [batch_size, self.window]
        step_type = tf.fill(shape, ts.StepType.MID)
        return trajectory.Trajectory(
            step_type=step_type,
            observation=tf.random.stateless_normal([*shape, self.observation_size], [1, 2]),
            action=tf.random.stateless_uniform([*shape, self.action_size], [3, 4], -1.0, 1.0),
            policy_info=(),
            next_step_type=step_type,
            reward=tf.zeros(shape),
            discount=tf.ones(shape),
        )

    def prepare(self, textbook: bool) -> tuple[Callable[[], Any], int]:
        """Returns a function that takes train steps or actions, and their number per call."""
        agent = self.agent(textbook)
        agent.initialize()
        experience = self.experience(self.batch_size)
        if self.acts:
            return actions(agent, experience.observation[:, 0])
        return train_steps(agent, experience)

    def format_rate(self, rate: float) -> str:
        """Formats steps per second, or the time of an action."""
        return f"{1e3 / rate:.1f} ms" if self.acts else f"{rate:.2f} steps/s"


def actions(agent: tf_agent.TFAgent, observation: tf.Tensor) -> tuple[Callable[[], Any], int]:
    """Returns a function that acts at an observation, and its number of actions per call."""
    action = tf.function(agent.policy.action)
    time_step = ts.transition(observation, tf.zeros([1]))
    state = agent.policy.get_initial_state(1)
    return lambda: action(time_step, state).action.numpy(), 1


def train_steps(agent: tf_agent.TFAgent, experience: Any) -> tuple[Callable[[], Any], int]:
    """Returns a function that trains on a batch, and its number of steps per call."""

    @tf.function(autograph=False)
    def steps():
        for _ in range(_STEPS_PER_CALL):
            loss = agent.train(experience).loss
        return loss

    return lambda: steps().numpy(), _STEPS_PER_CALL


WORKLOADS = {
    "train_langevin": Workload(
        "train step, particle: 256 × 2, batch 512, N = 8, chains of 25, gradient penalty",
        width=256, depth=2, observation_size=8, batch_size=512, num_samples=8, chain=25,
    ),
    "train_uniform": Workload(
        "train step, pushing: 128 × 8, batch 512, N = 256 uniform",
        width=128, depth=8, observation_size=10, batch_size=512, num_samples=256,
    ),
    "act_derivative_free": Workload(
        "one action, derivative-free: 16,384 samples × 3, 128 × 8",
        width=128, depth=8, observation_size=10, batch_size=1, num_samples=16384, rounds=3,
    ),
    "act_langevin": Workload(
        "one action, Langevin: 512 samples × 25, 256 × 2",
        width=256, depth=2, observation_size=8, batch_size=1, num_samples=512, chain=25,
    ),
}  # fmt: skip


def make_parser(description: str) -> argparse.ArgumentParser:
    """Returns a parser with the arguments of all comparisons of workloads."""
    parser = argparse.ArgumentParser(description=description)
    name = choices.one_of("workload", WORKLOADS)
    parser.add_argument(
        "workloads", nargs="*", metavar="WORKLOAD", type=name, help=", ".join(WORKLOADS)
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="duration of each measurement")
    parser.add_argument("--out", type=outputs.output_file, help="JSON file of the results")
    return parser


def main() -> None:
    """Measures, prints a table and writes the results to --out."""
    parser = make_parser(__doc__.splitlines()[0])
    parser.add_argument("--plot", type=outputs.output_file, help="PNG file of a time profile")
    arguments = parser.parse_args()
    matmul = measuring.matmul_flops(arguments.seconds / 3)
    print(f"float32 matmul in the same run: {matmul['per_second'] / 1e9:.0f} GFLOP/s\n")
    print("| workload | implementation | rate | textbook GFLOP/s | relative to matmul | speedup |")
    print("|---|---|---|---|---|---|")
    results: dict[str, Any] = {}
    profiles: dict[str, dict[str, dict[str, float]]] = {}
    for name in arguments.workloads or WORKLOADS:
        workload = WORKLOADS[name]
        results[name] = {"textbook_flops": workload.flops()}
        profiles[name] = {}
        for implementation in _IMPLEMENTATIONS:
            call, amount = workload.prepare(implementation == "textbook")
            measured = measuring.rate(call, amount, arguments.seconds)
            results[name][implementation] = measured
            print(
                _row(workload, implementation, measured, results[name]["textbook"], matmul),
                flush=True,
            )
            if arguments.plot:
                profiles[name][implementation] = where_time_goes.seconds_by_kind(call)
    if arguments.plot:
        where_time_goes.draw(profiles, arguments.plot)
    if arguments.out:
        content = {"workloads": results, "float32_matmul_flops": matmul, **measuring.machine()}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


def _row(
    workload: Workload,
    implementation: str,
    measured: dict[str, float],
    textbook: dict[str, float],
    matmul: dict[str, float],
) -> str:
    """Returns a row of the table."""
    rate = measured["per_second"]
    flops = rate * workload.flops()
    return (
        f"| {workload.title} | {implementation} | {workload.format_rate(rate)} | {flops / 1e9:.0f} "
        f"| {flops / matmul['per_second']:.0%} | {rate / textbook['per_second']:.2f} |"
    )


if __name__ == "__main__":
    main()
