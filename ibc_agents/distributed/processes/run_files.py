"""What a distributed job leaves in its root_dir besides what a run does."""

from __future__ import annotations

import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class RunFiles:
    """Files and folders of a job.

    Attributes:
        root: the root_dir.
    """

    root: pathlib.Path

    @property
    def evaluations(self) -> pathlib.Path:
        """The table of evaluations."""
        return self.root / "evaluations.csv"

    @property
    def waiting_policies(self) -> pathlib.Path:
        """The policies that are still to be evaluated."""
        return self.root / "waiting_policies"

    @property
    def replay_checkpoints(self) -> pathlib.Path:
        """What a replay server restores itself from."""
        return self.root / "replay"

    @property
    def gathered(self) -> pathlib.Path:
        """The datasets of what actors have gathered."""
        return self.root / "gathered"

    @property
    def logs(self) -> pathlib.Path:
        """What the roles of a local job say."""
        return self.root / "logs"
