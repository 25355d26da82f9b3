"""Kills processes of a job repeatedly, and compares its results with those of an undisturbed job.

Usage: python benchmarks/distributed_kills.py [--kills=30] [--seed=0] [--out=FILE.json]

The learner, the replay server and the evaluator of a small supervised job receive kill -9 at random
moments: some seconds after the learner has reached a step, and every third time within seconds of
the previous kill, so that outages overlap. The same job also runs undisturbed. The exit code is 1
if the two differ in their steps or in the rows of evaluations.csv, if the replay server held
another number of demonstrations than the job has, or if the intervals of success are disjoint.
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

import measuring  # sets the search path; must precede imports of the project
import numpy as np
import outputs
import reverb

from ibc_agents.distributed import job_directory
from ibc_agents.distributed.messaging import tables
from ibc_agents.distributed.processes import ports
from ibc_agents.runs import run_directory

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
    "EvaluationSettings.interval_episodes=20",
    "EvaluationSettings.num_episodes=100",
    "EvaluationSettings.batch_size=10",
)
_LONGEST_DELAY_SECONDS = 4.0
_POLL_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Kill:
    """A kill of a role.

    Attributes:
        role: Name of the role.
        step: Train step whose checkpoint the kill waits for.
        delay: Time between the checkpoint and the kill, in seconds.
    """

    role: str
    step: int
    delay: float


def draw_kills(count: int, seed: int) -> list[Kill]:
    """Returns kills in the order of their steps, all before 95 % of the training."""
    generator = np.random.default_rng(seed)
    steps = np.sort(generator.integers(1, int(0.95 * _STEPS), count))
    steps[2::3] = steps[1::3][: len(steps[2::3])]
    return [
        Kill(str(generator.choice(_ROLES)), int(step), float(delay))
        for step, delay in zip(steps, generator.uniform(0.0, _LONGEST_DELAY_SECONDS, count))
    ]


class Job:
    """A supervised job of three processes, observed from outside."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self.files = job_directory.JobDirectory(folder / name)
        self._checkpoints = run_directory.RunDirectory(self.files.root).checkpoints
        self._log = folder / f"{name}.txt"
        with ports.hold_free_ports(1) as [port]:
            address = f"localhost:{port}"
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
        """Waits until the job has finished."""
        while self._process.poll() is None:
            self._poll()
        if self._process.returncode:
            raise SystemExit(f"the job failed:\n{self._log.read_text()[-2000:]}")

    def close(self) -> None:
        """Terminates the job if it is running."""
        self._process.terminate()
        self._process.wait()

    def wait_for_step(self, step: int) -> None:
        """Waits for the checkpoint of a step."""
        while (self._checkpoints.recorded_step() or 0) < step:
            if self._process.poll() is not None:
                raise SystemExit(
                    f"the job has finished too early:\n{self._log.read_text()[-2000:]}"
                )
            self._poll()

    def kill(self, role: str) -> None:
        """Kills the process of a role; waits until one is running."""
        while True:
            pids = re.findall(rf"^{role} +\(process (\d+)", self._log.read_text(), re.MULTILINE)
            if pids and _is_running(int(pids[-1])):
                os.kill(int(pids[-1]), signal.SIGKILL)
                return
            self._poll()

    def outcome(self) -> dict[str, Any]:
        """Returns the results of the job, of JSON types."""
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

    def _poll(self) -> None:
        """Records the number of demonstrations of a replay server that has loaded them."""
        time.sleep(_POLL_SECONDS)
        try:
            sizes = self._client.server_info(timeout=1)
        except (RuntimeError, reverb.errors.ReverbError):
            return
        if sizes[tables.JOB].current_size:
            self.demonstrations_seen.add(sizes["demonstrations"].current_size)

    def _restarts(self) -> dict[str, int]:
        text = self._log.read_text()
        restarts = {
            role: re.findall(rf"^{role} .*, restart (\d+)\)", text, re.MULTILINE) for role in _ROLES
        }
        return {role: max(map(int, numbers), default=0) for role, numbers in restarts.items()}


def _is_running(pid: int) -> bool:
    """Whether a process exists and has not exited."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def find_differences(disturbed: dict[str, Any], undisturbed: dict[str, Any]) -> list[str]:
    """Describes what the disturbed job has lost or duplicated."""
    found = []
    if disturbed["train_steps"] != undisturbed["train_steps"]:
        found.append("the numbers of steps differ")
    rows = [
        [row[:2] for row in run["rows (step, episodes, success)"]]
        for run in (disturbed, undisturbed)
    ]
    if rows[0] != rows[1]:
        found.append("the rows of evaluations differ")
    if disturbed["demonstrations seen in replay"] != [disturbed["train_episodes"]]:
        found.append("the replay server lost or duplicated demonstrations")
    intervals = [run["success"]["interval"] for run in (disturbed, undisturbed)]
    if max(low for low, _ in intervals) > min(high for _, high in intervals):
        found.append("the intervals of success are disjoint")
    return found


def main() -> None:
    """Runs both jobs, prints their results and writes them to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30, help="number of kills")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments and roles")
    parser.add_argument("--out", type=outputs.output_file, help="JSON file of the results")
    arguments = parser.parse_args()
    kills = draw_kills(arguments.kills, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        runs = {}
        for name, planned in (("undisturbed", []), ("disturbed", kills)):
            job = Job(pathlib.Path(folder), name)
            start = time.monotonic()
            try:
                for number, kill in enumerate(planned, 1):
                    job.wait_for_step(kill.step)
                    time.sleep(kill.delay)
                    job.kill(kill.role)
                    print(f"{number}: {kill.role} after step {kill.step}", flush=True)
                job.end()
            finally:
                job.close()
            runs[name] = job.outcome() | {"seconds": round(time.monotonic() - start)}
            success = runs[name]["success"]
            low, high = success["interval"]
            print(
                f"{name}: {runs[name]['train_steps']} steps, {success['successes']} of "
                f"{success['episodes']} succeeded ({low:.1%} to {high:.1%}), restarts "
                f"{runs[name]['restarts']}",
                flush=True,
            )
        found = find_differences(runs["disturbed"], runs["undisturbed"])
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
    print("nothing was lost or duplicated")


if __name__ == "__main__":
    main()
