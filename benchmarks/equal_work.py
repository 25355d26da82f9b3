"""Train steps and actions of given sizes: this library's way against the textbook's, in one run.

Usage: python benchmarks/equal_work.py [--seconds=10] [--out=FILE] [--picture=FILE] [WORK ...]

Both ways have the same network, batch, number of samples and chain length, the same agent and
policy around them, and float32. The textbook's repeats the observation for every sample, joins it
to the action, and differentiates by backpropagation alone, as the published form of the network
reads. Floating-point operations are those of the textbook's way, whichever way is timed; the rate
of plain matrix products in the same run says what the machine could do. Observations and actions
are random numbers: nothing is learned. The picture tells in which operations the time went; it is
taken after the rates, for a profile slows what it watches.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
from collections.abc import Callable
from typing import Any

import choices
import measuring  # sets the search path; must come before the project's own imports
import tensorflow as tf
import where_time_goes
from tf_agents.agents import tf_agent
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from ibc_agents import agents, losses, networks, policies, samplers
from ibc_agents.core import normalizer
from ibc_agents.networks.layers import dense_resnet

_STEPS_A_CALL = 5
_WAYS = ("textbook", "here")


class TextbookEnergyNetwork(networks.EnergyNetwork):
    """A width × depth dense ResNet on [o, a], the observation repeated for every action."""

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
class Work:
    """A train step, or an action where `batch_size` is 1."""

    title: str
    width: int
    depth: int
    observation_size: int
    batch_size: int
    num_samples: int
    chain: int = 0  # Langevin steps
    rounds: int = 0  # of the derivative-free optimiser
    window: int = 2
    action_size: int = 2

    @property
    def acts(self) -> bool:
        return self.batch_size == 1

    def forward_flops(self) -> float:
        """Of one sample's energy."""
        inputs = self.window * self.observation_size + self.action_size
        return 2.0 * (inputs * self.width + self.depth * self.width**2 + self.width)

    def flops(self) -> float:
        """Of one step or one action."""
        samples = self.batch_size * self.num_samples
        # Forward, and backward to the action.
        searched = samples * (2 * self.chain + self.rounds)
        if self.acts:
            return searched * self.forward_flops()
        # Forward, and backward to weights and inputs; with the penalty all that of slopes too.
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
        """Random numbers ``[B, T, …]``, in mid-episode."""
        shape = [batch_size, self.window]
        kind = tf.fill(shape, ts.StepType.MID)
        return trajectory.Trajectory(
            step_type=kind,
            observation=tf.random.stateless_normal([*shape, self.observation_size], [1, 2]),
            action=tf.random.stateless_uniform([*shape, self.action_size], [3, 4], -1.0, 1.0),
            policy_info=(),
            next_step_type=kind,
            reward=tf.zeros(shape),
            discount=tf.ones(shape),
        )

    def prepare(self, textbook: bool) -> tuple[Callable[[], Any], int]:
        """Returns what does train steps or actions, and how many a call."""
        agent = self.agent(textbook)
        agent.initialize()
        experience = self.experience(self.batch_size)
        if self.acts:
            return actions(agent, experience.observation[:, 0])
        return train_steps(agent, experience)

    def shown(self, rate: float) -> str:
        """Returns steps or actions a second, to be read."""
        return f"{1e3 / rate:.1f} ms each" if self.acts else f"{rate:.2f} steps"


def actions(agent: tf_agent.TFAgent, observation: tf.Tensor) -> tuple[Callable[[], Any], int]:
    """Returns what does actions at an observation, and how many a call."""
    action = tf.function(agent.policy.action)
    time_step = ts.transition(observation, tf.zeros([1]))
    state = agent.policy.get_initial_state(1)
    return lambda: action(time_step, state).action.numpy(), 1


def train_steps(agent: tf_agent.TFAgent, experience: Any) -> tuple[Callable[[], Any], int]:
    """Returns what does train steps on a batch, and how many a call."""

    @tf.function(autograph=False)
    def steps():
        for _ in range(_STEPS_A_CALL):
            loss = agent.train(experience).loss
        return loss

    return lambda: steps().numpy(), _STEPS_A_CALL


WORKS = {
    "train_langevin": Work(
        "train step, particle: 256 × 2, batch 512, N = 8, chains of 25, gradient penalty",
        width=256, depth=2, observation_size=8, batch_size=512, num_samples=8, chain=25,
    ),
    "train_uniform": Work(
        "train step, pushing: 128 × 8, batch 512, N = 256 uniform",
        width=128, depth=8, observation_size=10, batch_size=512, num_samples=256,
    ),
    "act_derivative_free": Work(
        "one action, derivative-free: 16,384 samples × 3, 128 × 8",
        width=128, depth=8, observation_size=10, batch_size=1, num_samples=16384, rounds=3,
    ),
    "act_langevin": Work(
        "one action, Langevin: 512 samples × 25, 256 × 2",
        width=256, depth=2, observation_size=8, batch_size=1, num_samples=512, chain=25,
    ),
}  # fmt: skip


def make_parser(description: str) -> argparse.ArgumentParser:
    """Returns a parser of what every comparison of works takes."""
    parser = argparse.ArgumentParser(description=description)
    name = choices.one_of("work", WORKS)
    parser.add_argument("works", nargs="*", metavar="WORK", type=name, help=", ".join(WORKS))
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--out", type=pathlib.Path, help="JSON file for the numbers")
    return parser


def main() -> None:
    """Measures, prints a table and writes it where --out says."""
    parser = make_parser(__doc__.splitlines()[0])
    parser.add_argument("--picture", type=pathlib.Path, help="PNG file: where the time goes")
    arguments = parser.parse_args()
    matmul = measuring.matmul_flops(arguments.seconds / 3)
    print(f"float32 products in this run: {matmul['per_second'] / 1e9:.0f} GFLOP/s\n")
    print("| work | way | a second | GFLOP/s of the textbook | share of products | times |")
    print("|---|---|---|---|---|---|")
    results: dict[str, Any] = {}
    profiles: dict[str, dict[str, dict[str, float]]] = {}
    for name in arguments.works or WORKS:
        work = WORKS[name]
        results[name] = {"textbook_flops": work.flops()}
        profiles[name] = {}
        for way in _WAYS:
            call, amount = work.prepare(way == "textbook")
            measured = measuring.rate(call, amount, arguments.seconds)
            results[name][way] = measured
            print(_row(work, way, measured, results[name]["textbook"], matmul), flush=True)
            if arguments.picture:
                profiles[name][way] = where_time_goes.seconds_by_kind(call)
    if arguments.picture:
        where_time_goes.draw(profiles, arguments.picture)
    if arguments.out:
        content = {"works": results, "float32_products": matmul, **measuring.machine()}
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")


def _row(
    work: Work,
    way: str,
    measured: dict[str, float],
    textbook: dict[str, float],
    matmul: dict[str, float],
) -> str:
    """A row of the table."""
    rate = measured["per_second"]
    flops = rate * work.flops()
    return (
        f"| {work.title} | {way} | {work.shown(rate)} | {flops / 1e9:.0f} "
        f"| {flops / matmul['per_second']:.0%} | {rate / textbook['per_second']:.2f} |"
    )


if __name__ == "__main__":
    main()
