"""Measures the costs of a distributed job and the throughput of its servers.

Usage: python benchmarks/distributed.py [--turns=6] [--out=benchmarks/results/distributed.json]

*steps*: `ibc_agents.train` and jobs of the same experiment, with batches from Reverb, train in
turns, from one checkpoint to the next, while all others are stopped (SIGSTOP). CPU-seconds of each
process come from /proc; evaluators are idle. Jobs of several learners, which abort if one of them
is stopped, run alone. *sampling*: this process draws batches from the replay servers of a job while
its learner is stopped. *restarts*: time from kill -9 and a restart until the role is ready; for a
learner, until its next step. *filling*: loads the shards of a dataset into a replay server in this
process. *policies*: pushes policies to a server in another process, and pulls them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import pathlib
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing import connection
from typing import Any

import measuring  # sets the search path; must precede imports of the project
import numpy as np
import outputs
import reverb
import tensorflow as tf
import turns

import data
from data.reading import demonstrations
from data.sources import replay_server
from ibc_agents.distributed.messaging import policy_variables

_ALONE = "one process"
_JOB = "a job"
_FROM_REVERB = "Experiment.source=@ReverbSource()"
_WINDOW = 1
_FILLINGS = 3
_ROUND_TRIPS = 100
_FLOATS = (10_000, 100_000, 1_000_000)


def measure_steps(
    kinds: dict[str, Callable[[], dict[str, float]]], rounds: int
) -> dict[str, dict[str, Any]]:
    """Measures a step in each kind of turn; every round has one turn of each kind."""
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, take in kinds.items():
            taken[name].append(take())
    return {
        name: {
            "medians": {what: statistics.median(turn[what] for turn in found) for what in found[0]},
            "turns": found,
        }
        for name, found in taken.items()
    }


def overhead(of: dict[str, Any], beside: dict[str, Any]) -> dict[str, float]:
    """Returns median, minimum and maximum of the relative CPU time of a job's learner, minus 1."""
    ratios = [
        job["learner"] / alone["train"] - 1.0
        for job, alone in zip(of["turns"], beside["turns"], strict=True)
    ]
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


def measure_filling(dataset: pathlib.Path) -> dict[str, Any]:
    """Returns the median rates of loading shards into a replay server, in transitions."""
    rates = []
    for _ in range(_FILLINGS):
        wall, cpu = time.perf_counter(), time.process_time()
        loaded = demonstrations.Demonstrations.open(dataset, validation_fraction=0.0)
        server = reverb.Server(replay_server.replay_tables())
        filled = replay_server.ReplayServer(f"localhost:{server.port}", loaded.spec)
        filled.fill(loaded.train, _WINDOW)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        rates.append(loaded.train.num_windows / np.array([wall, cpu]))
        server.stop()
    per_second, per_cpu_second = np.median(rates, axis=0).tolist()
    return {
        "transitions": loaded.train.num_windows,
        "transitions_per_second": per_second,
        "transitions_per_cpu_second": per_cpu_second,
    }


class _Floats:
    """A policy with one variable."""

    def __init__(self, size: int) -> None:
        self._variables = (tf.Variable(tf.zeros([size])),)

    def variables(self) -> Sequence[tf.Variable]:
        return self._variables


def _serve(sizes: Sequence[int], pipe: connection.Connection) -> None:
    """Serves policies of these sizes until the other end of the pipe is closed."""
    servers = [reverb.Server([policy_variables.create_table(_Floats(size))]) for size in sizes]
    pipe.send([f"localhost:{server.port}" for server in servers])
    with contextlib.suppress(EOFError):
        pipe.recv()


def measure_policies(sizes: Sequence[int]) -> dict[str, dict[str, float]]:
    """Returns the median times of pushing and pulling policies, in milliseconds."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(sizes, theirs))
    process.start()
    theirs.close()
    found = {}
    for size, address in zip(sizes, ours.recv(), strict=True):
        values = [np.random.default_rng(0).normal(size=size).astype(np.float32)]
        policy: Any = _Floats(size)
        trips = []
        for step in range(_ROUND_TRIPS):
            marks = [time.perf_counter()]
            policy_variables.push(address, values, step)
            marks.append(time.perf_counter())
            policy_variables.pull(address, policy)
            trips.append(1e3 * np.diff([*marks, time.perf_counter()]))
        push, pull = np.median(trips, axis=0)
        found[f"{size} floats"] = {"push_ms": push, "pull_ms": pull}
    ours.close()
    process.join()
    return found


def paused(stack: contextlib.ExitStack, run: turns.Run) -> Any:
    """Stops a run, which is closed with the stack."""
    stack.enter_context(contextlib.closing(run))
    run.signal(signal.SIGSTOP)
    return run


def measure(folder: pathlib.Path, rounds: int) -> dict[str, Any]:
    """Measures everything, with files in a folder."""
    steps: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        alone = paused(stack, turns.Run(folder, "particle", {"train": []}, _FROM_REVERB))
        job = paused(stack, turns.Job(folder, "particle", 1, 1, 1))
        steps["particle"] = measure_steps({_ALONE: alone.take_turn, _JOB: job.take_turn}, rounds)
    with contextlib.ExitStack() as stack:
        alone = paused(stack, turns.Run(folder, "particle_mse", {"train": []}))
        in_memory = paused(
            stack,
            turns.Run(folder, "particle_mse", {"train": []}, "Experiment.source=@InMemorySource()"),
        )
        job = paused(stack, turns.Job(folder, "particle_mse", 1, 1, 4))
        two_servers = paused(stack, turns.Job(folder, "particle_mse", 2, 1, 1))
        steps["particle_mse"] = measure_steps(
            {
                _ALONE: alone.take_turn,
                f"{_ALONE}, without Reverb": in_memory.take_turn,
                _JOB: lambda: job.take_turn_with(1),
                "with 2 evaluators": lambda: job.take_turn_with(2),
                "with 4 evaluators": lambda: job.take_turn_with(4),
                "with 2 replay servers": two_servers.take_turn,
            },
            rounds,
        )
        (dataset,) = (folder / "data").iterdir()
        spec = data.read_spec(next(dataset.glob("*.tfrecord")))
        sampling = {
            "1 replay server": job.measure_sampling(spec),
            "2 replay servers": two_servers.measure_sampling(spec),
        }
        job.signal(signal.SIGCONT)
        restarts = {name: job.restart(name) for name in ("replay-0", "learner-0", "evaluator-0")}
    with contextlib.closing(turns.Job(folder, "particle_mse", 1, 2, 1)) as job:
        steps["particle_mse"] |= measure_steps({"with 2 learners": job.advance}, rounds)
    return {
        "steps": steps,
        "overhead of the learner": {
            config: overhead(kinds[_JOB], kinds[_ALONE]) for config, kinds in steps.items()
        },
        "sampling": sampling,
        "restarts": restarts,
        "filling": measure_filling(dataset),
        "policies": measure_policies(_FLOATS),
    }


def main() -> None:
    """Measures, prints the results and writes them to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=6, help="number of turns of each kind")
    parser.add_argument("--out", type=outputs.output_file, help="JSON file of the results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(pathlib.Path(folder), arguments.turns)
    text = json.dumps({**_rounded(found), **measuring.machine()}, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")


def _rounded(found: Any) -> Any:
    """Returns the same results with four significant digits."""
    if isinstance(found, dict):
        return {name: _rounded(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_rounded(value) for value in found]
    return float(f"{found:.4g}") if isinstance(found, float) else found


if __name__ == "__main__":
    main()
