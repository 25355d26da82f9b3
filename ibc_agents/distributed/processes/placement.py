"""Where a process is in its job."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Placement:
    """What a process is told of its job besides the experiment.

    Attributes:
        replay_addresses: `host:port` of each replay server.
        learner_addresses: `host:port` of each learner; none where there is only one.
        index: which of the processes of its role this is.
        public: whether other machines may connect to what it listens at.
        patience_seconds: how long to wait for others that are gone.
    """

    replay_addresses: Sequence[str]
    learner_addresses: Sequence[str]
    index: int
    public: bool
    patience_seconds: float
