"""The configuration that all processes of a job must share."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence

import numpy as np
from tf_agents.policies import tf_policy

from data.episodes import specs
from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import errors, version
from ibc_agents.distributed.messaging import channels, dataset_messages, job_configuration
from ibc_agents.runs import dataset_info as dataset_info_lib


@dataclasses.dataclass(frozen=True)
class Partition:
    """The training episodes of one replay server: every `count`-th, starting at `index`.

    Attributes:
        index: Index of the server, in [0, count).
        count: Number of replay servers, at least 1.
    """

    index: int = 0
    count: int = 1


@dataclasses.dataclass(frozen=True)
class JobSpec:
    """The specification of a job, as a replay server publishes it.

    Attributes:
        dataset_info: Description of the demonstrations.
        job_id: Random identifier of the job.
        configuration: Values of all settings, by name.
        window: T, the number of observation frames of the agent.
        variables: Name, dtype and shape of each variable of the policy, in their order.
        release: Version of ibc_agents.
        partition: Training episodes that the server holds.
    """

    dataset_info: dataset_info_lib.DatasetInfo
    job_id: str
    configuration: dict[str, str]
    window: int
    variables: list[str]
    release: str
    partition: Partition = Partition()

    @classmethod
    def from_agent(
        cls,
        agent: behavioral_cloning_agent.BehavioralCloningAgent,
        dataset_info: dataset_info_lib.DatasetInfo,
        configuration: dict[str, str],
        job_id: str,
    ) -> JobSpec:
        """Returns the specification of the job that trains an agent.

        Args:
            agent: The agent, with its variables.
            dataset_info: Description of the demonstrations.
            configuration: Values of all settings, by name.
            job_id: Random identifier of the job.
        """
        return cls(
            dataset_info=dataset_info,
            job_id=job_id,
            configuration=configuration,
            window=agent.train_sequence_length,
            variables=_describe_variables(agent.policy),
            release=version.__version__,
        )

    @property
    def identity(self) -> str:
        """A hash, in hexadecimal, that is equal in all processes of a job and in no other job.

        It does not depend on the partition of the server.
        """
        spec = [
            (name, leaf.dtype.name, leaf.shape.as_list())
            for name, leaf in specs.named_leaves(self.dataset_info.spec)
        ]
        content = [
            self.dataset_info.dataset_hash,
            self.job_id,
            self.configuration,
            spec,
            self.window,
            self.variables,
            self.release,
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def to_message(self) -> list[np.ndarray]:
        """Encodes the specification."""
        fields = {
            "job_id": self.job_id,
            "configuration": self.configuration,
            "window": self.window,
            "variables": self.variables,
            "release": self.release,
            "partition": dataclasses.asdict(self.partition),
        }
        dataset_message = dataset_messages.encode_dataset_info(self.dataset_info)
        return [channels.encode_json(fields), *dataset_message]

    @classmethod
    def from_message(cls, message: Sequence[np.ndarray]) -> JobSpec:
        """Decodes a message of `to_message`."""
        fields = channels.decode_json(message[0])
        partition = Partition(**fields.pop("partition"))
        dataset_info = dataset_messages.decode_dataset_info(message[1:])
        return cls(dataset_info=dataset_info, partition=partition, **fields)

    def check_compatible(
        self,
        address: str,
        agent: behavioral_cloning_agent.BehavioralCloningAgent,
        configuration: dict[str, str],
    ) -> None:
        """Checks that a process has the configuration of the job.

        Args:
            address: `host:port` of the replay server, for the error message.
            agent: The agent of the process.
            configuration: Values of all settings of the process, by name.

        Raises:
            RunError: If the configurations differ.
        """
        own = JobSpec.from_agent(agent, self.dataset_info, configuration, self.job_id)
        difference = self._describe_difference(own)
        if difference:
            raise errors.RunError(
                f"the job at {address} has another configuration: {difference}. Start this process "
                "with the gin files, the bindings, the seed and the release of the job, or use "
                "another --replay_address."
            )

    def _describe_difference(self, own: JobSpec) -> str | None:
        if self.release != own.release:
            return f"its release is {self.release}, the one of this process is {own.release}"
        difference = job_configuration.describe_difference(self.configuration, own.configuration)
        if difference:
            return difference
        if self.window != own.window:
            return f"its window is {self.window}, the one of this process is {own.window}"
        for theirs, ours in zip(self.variables, own.variables):
            if theirs != ours:
                return f"its policy has the variable {theirs}, the one of this process {ours}"
        if len(self.variables) != len(own.variables):
            return (
                f"its policy has {len(self.variables)} variables, the one of this process "
                f"{len(own.variables)}"
            )
        return None


def _describe_variables(policy: tf_policy.TFPolicy) -> list[str]:
    return [
        # Keras numbers layers within a process; the last part of a name is equal in all processes.
        f"{variable.name.rpartition('/')[2]} {variable.dtype.name}{variable.shape.as_list()}"
        for variable in policy.variables()
    ]
