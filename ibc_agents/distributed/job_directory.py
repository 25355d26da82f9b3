"""Files that a distributed job adds to its root_dir."""

from __future__ import annotations

import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class JobDirectory:
    """Paths of a job's own files and folders.

    Attributes:
        root: The root_dir.
    """

    root: pathlib.Path

    @property
    def evaluations(self) -> pathlib.Path:
        """The table of evaluations."""
        return self.root / "evaluations.csv"

    @property
    def waiting_policies(self) -> pathlib.Path:
        """Policies that wait for their evaluation."""
        return self.root / "waiting_policies"

    @property
    def replay_checkpoints(self) -> pathlib.Path:
        """Checkpoints of the replay servers."""
        return self.root / "replay"

    @property
    def gathered(self) -> pathlib.Path:
        """Datasets of the episodes that actors have gathered."""
        return self.root / "gathered"

    @property
    def logs(self) -> pathlib.Path:
        """Logs of the roles of a local job."""
        return self.root / "logs"
