"""Kills the processes of a job again and again; holds what it leaves against an undisturbed run.

Usage: python benchmarks/distributed_kills.py [--kills=30] [--seed=0] [--out=FILE.json]

Learner, replay server and evaluator of a small supervised job get kill -9 at moments drawn from the
seed: when the learner has reached a step, some seconds later, and every third time within seconds
of the kill before, so that outages overlap. The same command runs once more in peace. Exits with 1
where the two differ in their steps or in the rows of evaluations.csv, where the replay server ever
held another number of demonstrations than the job has, or where the intervals of success do not
meet.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

import measuring  # sets the search path; must come before the project's own imports
import numpy as np
import reverb

from ibc_agents.distributed import job_directory
from ibc_agents.distributed.messaging import tables
from ibc_agents.distributed.processes import ports

_ROOT = pathlib.Path(__file__).resolve().parent.parent
_ROLES = ("learner-0", "replay-0", "evaluator-0")
_STEPS = 3000
_BINDINGS = (
    f"num_steps={_STEPS}",
    "DemonstrationSettings.num_episodes=200",
    "TrainingSettings.batch_size=128",
    "TrainingSettings.checkpoint_interval=50",
    "MlpEncoder.width=64",
    "MlpEncoder.depth=2",
    "EvaluationSettings.interval=500",
    "EvaluationSettings.watched_episodes=20",
    "EvaluationSettings.num_episodes=100",
    "EvaluationSettings.batch_size=10",
)
_LONGEST_DELAY_SECONDS = 4.0
_SECONDS_BETWEEN_LOOKS = 0.2


@dataclasses.dataclass(frozen=True)
class Kill:
    """Of a role, so many seconds after the learner has written the checkpoint of a step."""

    role: str
    step: int
    delay: float


def draw_kills(count: int, seed: int) -> list[Kill]:
    """Returns kills in the order of their steps, all well before the last one."""
    generator = np.random.default_rng(seed)
    steps = np.sort(generator.integers(1, int(0.95 * _STEPS), count))
    steps[2::3] = steps[1::3][: len(steps[2::3])]
    return [
        Kill(str(generator.choice(_ROLES)), int(step), float(delay))
        for step, delay in zip(steps, generator.uniform(0.0, _LONGEST_DELAY_SECONDS, count))
    ]


class Job:
    """A supervised job of three processes, and what can be seen of it from outside."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self.files = job_directory.JobDirectory(folder / name)
        self._log = folder / f"{name}.txt"
        address = f"localhost:{ports.find_free_port()}"
        self._client = reverb.Client(address)
        self.demonstrations_seen: set[int] = set()
        with open(self._log, "w") as output:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "ibc_agents.distributed", "--local"),
                    "--gin_file=gin_configs/tasks/particle.gin",
                    *("--gin_file=gin_configs/methods/mse.gin", f"--root_dir={self.files.root}"),
                    *(f"--data_dir={folder / 'data'}", f"--replay_address={address}"),
                    *("--num_evaluators=1", "--max_restarts=1000"),
                    *(f"--gin_bindings={binding}" for binding in _BINDINGS),
                ],
                cwd=_ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def end(self) -> None:
        """Waits for the job's own end."""
        while self._process.poll() is None:
            self._look()
        if self._process.returncode:
            raise SystemExit(f"the job failed:\n{self._log.read_text()[-2000:]}")

    def close(self) -> None:
        """Ends it, if it has not ended."""
        self._process.terminate()
        self._process.wait()

    def wait_for_step(self, step: int) -> None:
        """Waits for the checkpoint of a step."""
        while self._checkpointed_step() < step:
            if self._process.poll() is not None:
                raise SystemExit(f"the job has ended too early:\n{self._log.read_text()[-2000:]}")
            self._look()

    def kill(self, role: str) -> None:
        """Kills the process of a role, as soon as one is running."""
        while True:
            pids = re.findall(rf"^{role} +\(process (\d+)", self._log.read_text(), re.MULTILINE)
            if pids and _is_running(int(pids[-1])):
                os.kill(int(pids[-1]), signal.SIGKILL)
                return
            self._look()

    def outcome(self) -> dict[str, Any]:
        """What it has left behind, of JSON types."""
        results = json.loads((self.files.root / "results.json").read_text())
        with open(self.files.evaluations, newline="") as file:
            rows = [
                [int(row["step"]), int(row["episodes"]), float(row["success"])]
                for row in csv.DictReader(file)
            ]
        return {
            "train_steps": results["train_steps"],
            "success": results["success"],
            "rows (step, episodes, success)": rows,
            "train_episodes": results["dataset"]["train_episodes"],
            "demonstrations seen in replay": sorted(self.demonstrations_seen),
            "restarts": self._restarts(),
        }

    def _look(self) -> None:
        """Counts the demonstrations, where a replay server says that it has all of them."""
        time.sleep(_SECONDS_BETWEEN_LOOKS)
        try:
            sizes = self._client.server_info(timeout=1)
        except (RuntimeError, reverb.errors.ReverbError):
            return
        if sizes[tables.JOB].current_size:
            self.demonstrations_seen.add(sizes["demonstrations"].current_size)

    def _checkpointed_step(self) -> int:
        state = self.files.root / "train" / "checkpoints" / "checkpoint"
        if not state.exists():
            return 0
        newest = re.search(
            r'^model_checkpoint_path: ".*?ckpt-(\d+)"', state.read_text(), re.MULTILINE
        )
        return int(newest[1]) if newest else 0

    def _restarts(self) -> dict[str, int]:
        text = self._log.read_text()
        said = {
            role: re.findall(rf"^{role} .*, restart (\d+)\)", text, re.MULTILINE) for role in _ROLES
        }
        return {role: max(map(int, numbers), default=0) for role, numbers in said.items()}


def _is_running(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def differences(disturbed: dict[str, Any], peaceful: dict[str, Any]) -> list[str]:
    """What a disturbed run must not have lost or doubled, in words."""
    found = []
    if disturbed["train_steps"] != peaceful["train_steps"]:
        found.append("the numbers of steps differ")
    rows = [
        [row[:2] for row in run["rows (step, episodes, success)"]] for run in (disturbed, peaceful)
    ]
    if rows[0] != rows[1]:
        found.append("the rows of evaluations differ")
    if disturbed["demonstrations seen in replay"] != [disturbed["train_episodes"]]:
        found.append("the replay server lost or doubled demonstrations")
    intervals = [run["success"]["interval"] for run in (disturbed, peaceful)]
    if max(low for low, _ in intervals) > min(high for _, high in intervals):
        found.append("the intervals of success do not meet")
    return found


def main() -> None:
    """Runs both jobs, prints what came of them and writes it where --out says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30, help="kill -9 so often")
    parser.add_argument("--seed", type=int, default=0, help="of the moments and the roles")
    parser.add_argument("--out", type=pathlib.Path, help="JSON file for the outcome")
    arguments = parser.parse_args()
    kills = draw_kills(arguments.kills, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        runs = {}
        for name, planned in (("in peace", []), ("disturbed", kills)):
            job = Job(pathlib.Path(folder), name.replace(" ", "_"))
            begun = time.monotonic()
            try:
                for number, kill in enumerate(planned, 1):
                    job.wait_for_step(kill.step)
                    time.sleep(kill.delay)
                    job.kill(kill.role)
                    print(f"{number}: {kill.role} after step {kill.step}", flush=True)
                job.end()
            finally:
                job.close()
            runs[name] = job.outcome() | {"seconds": round(time.monotonic() - begun)}
            success = runs[name]["success"]
            low, high = success["interval"]
            print(
                f"{name}: {runs[name]['train_steps']} steps, {success['successes']} of "
                f"{success['episodes']} succeeded ({low:.1%} to {high:.1%}), restarts "
                f"{runs[name]['restarts']}",
                flush=True,
            )
        found = differences(runs["disturbed"], runs["in peace"])
    if arguments.out:
        content = {
            **runs,
            "differences": found,
            "kills": [dataclasses.asdict(kill) for kill in kills],
            "bindings": _BINDINGS,
            "machine": measuring.machine(),
        }
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")
    if found:
        raise SystemExit("; ".join(found))
    print("nothing was lost or doubled")


if __name__ == "__main__":
    main()
