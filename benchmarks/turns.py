"""Trainings that take turns; the processes of the others are stopped meanwhile."""

from __future__ import annotations

import collections
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import checkout
import measuring  # sets the search path; must precede imports of the project
from tf_agents.trajectories import trajectory

from data.sources import reverb_source
from ibc_agents.distributed.processes import child_process, ports
from ibc_agents.runs import run_directory

# Steps between checkpoints, which take some seconds on a core.
_TURN_STEPS = {"particle_mse": 250, "particle": 50}
_GIN_FILES = {"particle_mse": ("tasks/particle", "methods/mse"), "particle": ("particle",)}
# The values in the gin files.
_BATCH_SIZES = {"particle_mse": 512, "particle": 256}
_DRAWN_AT_ONCE = 512
_ENDLESS = 10**9
_WINDOW = 1
_POLL_SECONDS = 0.02
_SAMPLING_SECONDS = 5.0


class Run:
    """An endless training, whose processes run in its turns only."""

    def __init__(
        self, folder: pathlib.Path, config: str, commands: dict[str, list[str]], *bindings: str
    ) -> None:
        """Starts the processes and waits for the first checkpoint.

        Args:
            folder: Folder of all files.
            config: Name of a configuration in `_GIN_FILES`.
            commands: Flags of each process, by its name; `train` is a training in one process.
            *bindings: Gin bindings.
        """
        self._directory = run_directory.RunDirectory(folder / f"run-{len(list(folder.iterdir()))}")
        self._shared = [
            *(f"--gin_file=gin_configs/{name}.gin" for name in _GIN_FILES[config]),
            f"--root_dir={self._directory.path}",
            f"--data_dir={folder / 'data'}",
            f"--gin_bindings=num_steps={_ENDLESS}",
            f"--gin_bindings=TrainingSettings.batch_size={_BATCH_SIZES[config]}",
            f"--gin_bindings=TrainingSettings.checkpoint_interval={_TURN_STEPS[config]}",
            f"--gin_bindings=TrainingSettings.validation_interval={_ENDLESS}",
            f"--gin_bindings=EvaluationSettings.interval={_ENDLESS}",
            *(f"--gin_bindings={binding}" for binding in bindings),
        ]
        self._batch_size = _BATCH_SIZES[config]
        self._commands = commands
        self._processes: dict[str, Any] = {}
        for name in commands:
            self._start(name)
        self._mark = 0, self._cpu_seconds()
        self.advance()

    def take_turn(self, names: Sequence[str] = ()) -> dict[str, float]:
        """Calls `advance` with processes that are stopped before and afterwards.

        Args:
            names: Names of the processes that take part; by default all.
        """
        self.signal(signal.SIGCONT, names)
        taken = self.advance()
        self.signal(signal.SIGSTOP)
        return taken

    def advance(self) -> dict[str, float]:
        """Trains to the next checkpoint.

        Returns:
            CPU-milliseconds per step of each role, steps and samples per second.
        """
        began, (first, before) = time.perf_counter(), self._mark
        while (step := self.step) == first:
            self._check()
            time.sleep(_POLL_SECONDS)
        seconds = time.perf_counter() - began
        now = self._cpu_seconds()
        self._mark = step, now
        taken = {role: 1e3 * (now[role] - before[role]) / (step - first) for role in now}
        rate = (step - first) / seconds
        return {**taken, "steps_per_second": rate, "samples_per_second": rate * self._batch_size}

    def restart(self, name: str) -> dict[str, float]:
        """Kills and restarts a process; returns the seconds until it is ready."""
        newest = self.step if name.startswith("learner") else -1
        self._processes[name].kill_after(0.0)
        began = time.perf_counter()
        process = self._start(name)
        while True:
            self._check()
            found = process.health() or {"ready": False}
            if found["ready"] and (found["step"] or 0) > newest:
                break
            time.sleep(_POLL_SECONDS)
        return {"cpu_s": self.cpu_seconds(name), "wall_s": time.perf_counter() - began}

    def close(self) -> None:
        """Kills all processes."""
        for process in self._processes.values():
            os.kill(process.pid, signal.SIGKILL)
            process.wait(None)

    @property
    def step(self) -> int:
        """Train step of the newest checkpoint."""
        return self._directory.checkpoints.recorded_step() or 0

    def cpu_seconds(self, name: str) -> float:
        """Returns the CPU time of all threads of a process, in seconds."""
        user, system = map(int, self._stat(name)[11:13])
        return (user + system) / os.sysconf("SC_CLK_TCK")

    def _cpu_seconds(self) -> dict[str, float]:
        """Returns the CPU time of each role, in seconds."""
        found: dict[str, float] = collections.defaultdict(float)
        for name in self._processes:
            found[name.partition("-")[0]] += self.cpu_seconds(name)
        return found

    def _stat(self, name: str) -> list[str]:
        """Returns the fields of /proc/PID/stat, starting with the state of the process."""
        path = pathlib.Path(f"/proc/{self._processes[name].pid}/stat")
        return path.read_text().rpartition(")")[2].split()

    def _start(self, name: str) -> Any:
        arguments = [*self._commands[name], *self._shared]
        log = self._directory.path / f"{name}.txt"
        if name == "train":
            with open(log, "w") as output:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "ibc_agents.train", *arguments],
                    cwd=checkout.ROOT,
                    stdout=output,
                    stderr=output,
                )
        else:
            self._processes[name] = child_process.ChildProcess(arguments, log)
        return self._processes[name]

    def signal(self, number: int, names: Sequence[str] = ()) -> None:
        """Sends a signal to some processes; by default to all."""
        for name in names or self._processes:
            os.kill(self._processes[name].pid, number)

    def _check(self) -> None:
        for name in self._processes:
            if self._stat(name)[0] == "Z":
                text = (self._directory.path / f"{name}.txt").read_text()
                raise SystemExit(f"{name} has exited:\n{text[-2000:]}")


class Job(Run):
    """A run of several processes: `replay-0`, `learner-0`, `evaluator-0` and so on."""

    def __init__(
        self, folder: pathlib.Path, config: str, servers: int, learners: int, evaluators: int
    ) -> None:
        """Starts the processes of each role."""
        with ports.hold_free_ports(servers + learners) as free_ports:
            addresses = [f"localhost:{port}" for port in free_ports]
        self._replay_addresses, learner_addresses = addresses[:servers], addresses[servers:]
        self._servers, self._learners, self._evaluators = (
            [f"{role}-{index}" for index in range(count)]
            for role, count in (
                ("replay", servers), ("learner", learners), ("evaluator", evaluators),
            )
        )  # fmt: skip
        flags = [
            f"--replay_address={','.join(self._replay_addresses)}",
            f"--learner_addresses={','.join(learner_addresses)}",
            f"--patience={_ENDLESS}",
        ]
        commands = {
            name: [f"--role={name.partition('-')[0]}", f"--index={name.partition('-')[2]}", *flags]
            for name in (*self._servers, *self._learners, *self._evaluators)
        }
        super().__init__(folder, config, commands)

    def take_turn_with(self, evaluators: int) -> dict[str, float]:
        """Takes a turn with some of the evaluators."""
        return self.take_turn([*self._servers, *self._learners, *self._evaluators[:evaluators]])

    def measure_sampling(self, spec: trajectory.Trajectory) -> dict[str, float]:
        """Returns rates of drawing windows while only the replay servers run."""
        self.signal(signal.SIGCONT, self._servers)
        source = reverb_source.ReverbSource()
        source.connect(self._replay_addresses, spec)
        batches = iter(source.dataset(_WINDOW, _DRAWN_AT_ONCE, seed=0))
        drawn, before = 0, sum(map(self.cpu_seconds, self._servers))

        def draw() -> None:
            nonlocal drawn
            next(batches)
            drawn += _DRAWN_AT_ONCE

        rates = measuring.rate(draw, _DRAWN_AT_ONCE, _SAMPLING_SECONDS)
        served = drawn / (sum(map(self.cpu_seconds, self._servers)) - before)
        source.close()
        self.signal(signal.SIGSTOP)
        return {
            "windows_per_second": rates["per_second"],
            "windows_per_cpu_second_of_the_client": rates["per_cpu_second"],
            "windows_per_cpu_second_of_the_servers": served,
        }
