"""Starts the roles of a small job in processes and reads their logs."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from tests.data.sources import listening
from tests.system import helpers

DEADLINE_SECONDS = 900


STEPS = 6000
INTERVAL = 2000  # Steps between evaluations.
BINDINGS = (
    "TrainingSettings.checkpoint_interval=200",
    f"EvaluationSettings.interval={INTERVAL}",
    "EvaluationSettings.num_episodes=7",
    "EvaluationSettings.batch_size=2",
    "EvaluationSettings.interval_episodes=5",
)
# Step and episodes of each row of the final table.
ALL_ROWS = [(INTERVAL, 5), (2 * INTERVAL, 5), (STEPS, 7)]


class Job:
    """A job in a folder, with the same arguments for every role."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.root_dir = folder / "run"
        self.temporary = folder / "temporary"
        self.temporary.mkdir(parents=True)
        self.address = f"localhost:{listening.free_port()}"
        self._arguments = [
            *helpers.small_run(self.root_dir, folder / "data", STEPS, *BINDINGS, method="mse"),
            # No test depends on the speed of a checkpoint.
            f"--grace={DEADLINE_SECONDS}",
        ]
        self._started: list[Process] = []

    def start(self, role: str, *arguments: str) -> Process:
        return self._start(f"--role={role}", f"--replay_address={self.address}", *arguments)

    def start_all(self, *arguments: str) -> Process:
        return self._start("--local", *arguments)

    def _start(self, *arguments: str) -> Process:
        log = self.folder / f"log-{len(self._started)}.txt"
        self._started.append(Process([*self._arguments, *arguments], log, self.temporary))
        return self._started[-1]

    def rows(self) -> list[tuple[int, int]]:
        """Returns step and episodes of each row of the table of evaluations."""
        with open(self.root_dir / "evaluations.csv", newline="") as file:
            return [(int(row["step"]), int(row["episodes"])) for row in csv.DictReader(file)]

    def wait_for_checkpoint(self, process: Process, after: int) -> None:
        """Waits for a checkpoint of a step later than `after`."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while helpers.checkpointed_step(self.root_dir) <= after:
            assert process.is_running and time.monotonic() < deadline, process.text
            time.sleep(0.01)

    def kill_all(self) -> None:
        for process in self._started:
            process.kill()


class Process:
    """A process of a job."""

    def __init__(self, arguments: list[str], log: pathlib.Path, temporary: pathlib.Path) -> None:
        self._log = log
        self.health_port = listening.free_port()
        with open(log, "wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ibc_agents.distributed", *arguments]
                + ([] if "--local" in arguments else [f"--health_port={self.health_port}"]),
                cwd=log.parent,
                env={**os.environ, "PYTHONPATH": str(helpers.ROOT), "TMPDIR": str(temporary)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def text(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_for(self, part: str) -> None:
        """Waits until the log contains a text."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while part not in self.text:
            assert self.is_running and time.monotonic() < deadline, self.text
            time.sleep(0.05)

    def wait(self) -> int:
        """Waits until the process exits; returns the exit code."""
        return self._process.wait(DEADLINE_SECONDS)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def health(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.health_port}/"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as not_ready:
            return json.load(not_ready)

    def error(self) -> str:
        """Returns the error message, which is one line."""
        assert "Traceback" not in self.text, self.text
        (line,) = (line for line in self.text.splitlines() if line.startswith("error: "))
        return line
