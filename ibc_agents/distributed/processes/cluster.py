"""Addresses of a job's processes, and the index of this process."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class ClusterConfig:
    """The configuration of the cluster in one process.

    Attributes:
        replay_addresses: `host:port` of each replay server.
        learner_addresses: `host:port` of each learner; may be empty for a single learner.
        index: Index of this process among those of its role, from 0.
        public: Whether other machines may connect to the ports of this process.
        patience_seconds: Longest time to wait for unreachable processes, in seconds.
    """

    replay_addresses: Sequence[str]
    learner_addresses: Sequence[str]
    index: int
    public: bool
    patience_seconds: float
