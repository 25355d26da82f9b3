"""The context that the command passes to every role."""

from __future__ import annotations

import dataclasses

from ibc_agents.distributed.processes import cluster as cluster_lib
from ibc_agents.distributed.processes import role_process
from ibc_agents.runs import experiment as experiment_lib


@dataclasses.dataclass(frozen=True)
class RoleContext:
    """The experiment, and the process and cluster that run it.

    Attributes:
        experiment: The experiment of the job.
        process: This process.
        cluster: Addresses of the job's processes.
    """

    experiment: experiment_lib.Experiment
    process: role_process.RoleProcess
    cluster: cluster_lib.ClusterConfig
