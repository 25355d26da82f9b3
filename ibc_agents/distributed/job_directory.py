"""Files that a distributed job adds to its root_dir."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import secrets

from ibc_agents.core import errors, files

_ID_BYTES = 16
_ID = re.compile(r"[0-9a-f]{32}\n?")


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

    def make_job_id(self) -> str:
        """Returns the random identifier of the job in this folder, which the first call makes.

        Raises:
            RunError: If it cannot be read or written.
        """
        known = self._read_job_id()
        return self._write_job_id(secrets.token_hex(_ID_BYTES)) if known is None else known

    def check_job_id(self, job_id: str, address: str) -> None:
        """Checks that this folder belongs to a job, and records the job in a new folder.

        Args:
            job_id: Identifier of the job.
            address: `host:port` of the replay server that published it, for the message.

        Raises:
            RunError: If the folder belongs to another job, or the record cannot be read or written.
        """
        known = self._read_job_id()
        if known is None:
            self._write_job_id(job_id)
        elif known != job_id:
            raise errors.RunError(
                f"{self.root} belongs to the job {known[:8]}, but the replay server {address} "
                f"serves the job {job_id[:8]}. Correct --replay_address or --root_dir. If the "
                f"replay server has lost its folder, delete {self._job_id}."
            )

    @property
    def _job_id(self) -> pathlib.Path:
        return self.root / "job_id"

    def _read_job_id(self) -> str | None:
        try:
            content = files.read_bytes(self._job_id)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error.strerror) from error
        text = content.decode("ascii", errors="replace")
        if not _ID.fullmatch(text):
            raise self._unreadable("it is damaged")
        return text.strip()

    def _unreadable(self, reason: str | None) -> errors.RunError:
        return errors.RunError(
            f"cannot read {self._job_id} ({reason}). Delete it; the next job in this folder makes "
            "a new one."
        )

    def _write_job_id(self, job_id: str) -> str:
        with files.report_disk_errors(self._job_id):
            self.root.mkdir(parents=True, exist_ok=True)
            with files.replacing(self._job_id) as partial:
                partial.write_text(f"{job_id}\n", encoding="ascii")
        return job_id
