"""What all processes of a job must agree on; strangers are refused with a sentence."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import struct_pb2
from tf_agents.policies import tf_policy
from tf_agents.specs import tensor_spec

from data.episodes import dataset_statistics as data_statistics
from data.episodes import specs
from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import errors, version
from ibc_agents.distributed.messaging import messages
from ibc_agents.runs import dataset_info, settings

# Of the settings that choose demonstrations; where a machine keeps them is its own business.
_CHOICE = ("num_episodes", "seed", "validation_fraction", "top_return_fraction")
_STATISTICS = [field.name for field in dataclasses.fields(data_statistics.LeafStatistics)]


@dataclasses.dataclass(frozen=True)
class Share:
    """Which of the episodes a replay server holds: every `count`-th from number `index` on.

    Attributes:
        index: of the server.
        count: of all servers.
    """

    index: int = 0
    count: int = 1


@dataclasses.dataclass(frozen=True)
class Job:
    """What a replay server tells everybody.

    Attributes:
        card: of the demonstrations.
        choice: the settings that chose them.
        window: T, frames of observation.
        variables: name and form of each of the policy's variables, in their order.
        release: of this library.
        share: that the server holds.
    """

    card: dataset_info.DatasetCard
    choice: dict[str, Any]
    window: int
    variables: list[str]
    release: str
    share: Share = Share()

    @property
    def identity(self) -> str:
        """A hash (hex) that is the same in all processes of a job, and in no others.

        Servers that hold other shares of its demonstrations belong to the same job.
        """
        spec = [
            (name, leaf.dtype.name, leaf.shape.as_list())
            for name, leaf in specs.named_leaves(self.card.spec)
        ]
        told = [
            self.card.dataset_hash,
            self.choice,
            spec,
            self.window,
            self.variables,
            self.release,
        ]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def to_message(self) -> list[np.ndarray]:
        """Returns the job for a board."""
        card = self.card
        told = {
            "name": card.name,
            "dataset_hash": card.dataset_hash,
            "train_episodes": card.train_episodes,
            "validation_episodes": card.validation_episodes,
            "choice": self.choice,
            "window": self.window,
            "variables": self.variables,
            "release": self.release,
            "share": dataclasses.asdict(self.share),
        }
        spec = tensor_spec.to_proto(card.spec).SerializeToString()
        statistics = _pack(card.statistics)
        return [
            messages.to_array(told),
            np.frombuffer(spec, np.uint8),
            np.frombuffer(statistics, np.uint8),
        ]

    @classmethod
    def from_message(cls, message: list[np.ndarray]) -> Job:
        """Returns what another process has put on the board."""
        told = messages.from_array(message[0])
        proto = struct_pb2.StructuredValue.FromString(message[1].tobytes())
        spec = specs.as_trajectory_spec(tensor_spec.from_proto(proto))
        card = dataset_info.DatasetCard(
            name=told["name"],
            dataset_hash=told["dataset_hash"],
            spec=spec,
            statistics=_unpack(message[2].tobytes(), spec),
            train_episodes=told["train_episodes"],
            validation_episodes=told["validation_episodes"],
        )
        return cls(
            card=card,
            choice=told["choice"],
            window=told["window"],
            variables=told["variables"],
            release=told["release"],
            share=Share(**told["share"]),
        )

    def admit(
        self,
        address: str,
        demonstrations: settings.DemonstrationSettings,
        agent: behavioral_cloning_agent.BehavioralCloningAgent,
    ) -> None:
        """Lets a process take part whose configuration is the job's.

        Args:
            address: of the replay server, for the message.
            demonstrations: that this process is configured for.
            agent: as this process has built it.

        Raises:
            RunError: saying what differs.
        """
        ours = of(self.card, demonstrations, agent)
        difference = self._difference(ours)
        if difference:
            raise errors.RunError(
                f"The job at {address} is another one: {difference}. Start this process with the "
                "job's gin files and bindings, and the same release of ibc_agents, or name "
                "another --replay_address."
            )

    def _difference(self, ours: Job) -> str | None:
        if self.release != ours.release:
            return f"it is of release {self.release}, and this is {ours.release}"
        for name, theirs in self.choice.items():
            if ours.choice[name] != theirs:
                return (
                    f"its DemonstrationSettings.{name} is {theirs}, and here it is "
                    f"{ours.choice[name]}"
                )
        if self.window != ours.window:
            return f"its agent sees {self.window} frames, and the one configured here {ours.window}"
        for theirs, mine in zip(self.variables, ours.variables):
            if theirs != mine:
                return (
                    f"its policy has the variable {theirs} where the one configured here has {mine}"
                )
        if len(self.variables) != len(ours.variables):
            return (
                f"its policy has {len(self.variables)} variables, and the one configured here "
                f"{len(ours.variables)}"
            )
        return None


def of(
    card: dataset_info.DatasetCard,
    demonstrations: settings.DemonstrationSettings,
    agent: behavioral_cloning_agent.BehavioralCloningAgent,
) -> Job:
    """Returns the job that an agent and its demonstrations make."""
    return Job(
        card=card,
        choice={name: getattr(demonstrations, name) for name in _CHOICE},
        window=agent.train_sequence_length,
        variables=_describe(agent.policy),
        release=version.__version__,
    )


def _describe(policy: tf_policy.TFPolicy) -> list[str]:
    return [
        # Keras numbers its layers by process; what comes last of a name is the same everywhere.
        f"{variable.name.rpartition('/')[2]} {variable.dtype.name}{variable.shape.as_list()}"
        for variable in policy.variables()
    ]


def _pack(statistics: data_statistics.Statistics) -> bytes:
    """Every number of every leaf, float64, as NumPy saves arrays."""
    arrays = {
        f"{number}/{field}": getattr(leaf, field)
        for number, leaf in enumerate(_leaves(statistics))
        if leaf is not None
        for field in _STATISTICS
    }
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _unpack(content: bytes, spec: Any) -> data_statistics.Statistics:
    with np.load(io.BytesIO(content)) as arrays:
        leaves = iter(
            data_statistics.LeafStatistics(
                **{field: arrays[f"{number}/{field}"] for field in _STATISTICS}
            )
            if f"{number}/mean" in arrays
            else None
            for number in range(len(tf.nest.flatten((spec.observation, spec.action))))
        )
        observation, action = (
            tf.nest.pack_sequence_as(part, [next(leaves) for _ in tf.nest.flatten(part)])
            for part in (spec.observation, spec.action)
        )
    return data_statistics.Statistics(observation, action)


def _leaves(statistics: data_statistics.Statistics) -> list[data_statistics.LeafStatistics | None]:
    return tf.nest.flatten((statistics.observation, statistics.action))
