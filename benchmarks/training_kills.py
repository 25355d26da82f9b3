"""Kills a training repeatedly, and compares what it leaves with an undisturbed training.

Usage: python benchmarks/training_kills.py [--kills=50] [--seed=0] [--out=FILE.json]

A small training receives kill -9 at random moments: while it starts, soon after a checkpoint, of
which it writes many each second, and while it exports and evaluates its policy. The same command
then continues. The exit code is 1 if a checkpoint is lost, or if weights, optimizer state,
statistics, exported policy or evaluated episodes differ in one bit from those of the same training
without kills. Prints a table of the kills.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import os
import pathlib
import runpy
import sys
import tempfile
import time

import measuring  # sets the search path; must precede imports of the project
import numpy as np
import outputs
import tensorflow as tf

from ibc_agents.runs import experiment as experiment_lib  # noqa: F401  (shortens the starts)
from ibc_agents.runs import run_directory

_STEPS = 3000
_CHECKPOINT_INTERVAL = 20  # steps
_BINDINGS = (
    f"num_steps={_STEPS}",
    "Experiment.source=@InMemorySource()",
    # Swish differs in the last bits from process to process.
    "MlpEncoder.activation='relu'",
    "MlpEncoder.width=32",
    "MlpEncoder.depth=2",
    "DemonstrationSettings.num_episodes=20",
    "TrainingSettings.batch_size=32",
    f"TrainingSettings.checkpoint_interval={_CHECKPOINT_INTERVAL}",
    "EvaluationSettings.num_episodes=20",
    "EvaluationSettings.recorded_episodes=0",
)
# The longest delay of a kill in seconds, by its kind, and the share of its kind.
_DELAYS = {"start": 6.0, "training": 0.3, "end": 2.0}
_SHARES = {"start": 0.2, "training": 0.7, "end": 0.1}
_POLL_SECONDS = 0.001
# A fork starts without importing TensorFlow again. The parent runs no operation of TensorFlow.
_FORK = multiprocessing.get_context("fork")


@dataclasses.dataclass
class Kill:
    """A kill of the training.

    Attributes:
        kind: A key of `_DELAYS`.
        step: Step whose checkpoint the kill waits for.
        delay: Time from then to the kill in seconds; of kind `start` from the start.
        checkpoint: Step of the newest checkpoint after the kill; None if there is none.
        ended: Whether the training ended before.
    """

    kind: str
    step: int
    delay: float
    checkpoint: int | None = None
    ended: bool = False


def draw_kills(count: int, seed: int) -> list[Kill]:
    """Returns kills in the order of their steps."""
    generator = np.random.default_rng(seed)
    kinds = generator.choice(list(_SHARES), count, p=list(_SHARES.values()))
    steps = np.sort(generator.integers(_CHECKPOINT_INTERVAL, _STEPS, count))
    kills = [
        Kill(str(kind), _STEPS if kind == "end" else int(step), _DELAYS[kind] * generator.random())
        for kind, step in zip(kinds, steps)
    ]
    return sorted(kills, key=lambda kill: kill.step)


class Training:
    """A training that may be started again and again."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self.directory = run_directory.RunDirectory(folder / name)
        self.log = folder / f"{name}.txt"
        self._arguments = [
            "--gin_file=gin_configs/tasks/particle.gin",
            "--gin_file=gin_configs/methods/mse.gin",
            f"--root_dir={self.directory.path}",
            f"--data_dir={folder / 'data'}",
            *(f"--gin_bindings={binding}" for binding in _BINDINGS),
        ]

    def run(self, kill: Kill | None = None) -> None:
        """Starts the training and waits for its end, or kills it."""
        process = _FORK.Process(target=self._train)
        process.start()
        checkpoints = self.directory.checkpoints
        if kill is None:
            process.join()
        else:
            while kill.kind != "start" and process.is_alive():
                if (checkpoints.recorded_step() or 0) >= kill.step:
                    break
                time.sleep(_POLL_SECONDS)
            process.join(kill.delay)
            kill.ended = not process.is_alive()
            process.kill()
            process.join()
            kill.checkpoint = checkpoints.recorded_step()
        if (kill is None or kill.ended) and process.exitcode:
            raise SystemExit(f"the training failed:\n{self.log.read_text()[-2000:]}")

    def values(self) -> dict[str, np.ndarray]:
        """Returns every value of the last checkpoint and of the exported policy."""
        found = {}
        checkpoint = self.directory.checkpoints.path / f"ckpt-{_STEPS}"
        policy = self.directory.path / run_directory.POLICY / "variables" / "variables"
        for path in (checkpoint, policy):
            reader = tf.train.load_checkpoint(str(path))
            for name in reader.get_variable_to_shape_map():
                if name != "_CHECKPOINTABLE_OBJECT_GRAPH":
                    found[f"{path.name}/{name}"] = reader.get_tensor(name)
        return found

    def episodes(self) -> list:
        """Returns the outcomes of the evaluated episodes."""
        results = json.loads((self.directory.path / run_directory.RESULTS).read_text())
        return results["episodes"]

    def _train(self) -> None:
        descriptor = os.open(self.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        for standard in {1, 2, sys.stdout.fileno(), sys.stderr.fileno()}:
            os.dup2(descriptor, standard)
        sys.argv = ["train", *self._arguments]
        runpy.run_module("ibc_agents.train", run_name="__main__")


def find_differences(disturbed: Training, undisturbed: Training, kills: list[Kill]) -> list[str]:
    """Describes what the disturbed training has lost."""
    found = []
    steps = [kill.checkpoint or 0 for kill in kills]
    if steps != sorted(steps):
        found.append("a checkpoint was lost")
    if "continuing from the newest whole checkpoint" in disturbed.log.read_text():
        found.append("a checkpoint was damaged")
    ours, theirs = disturbed.values(), undisturbed.values()
    if ours.keys() != theirs.keys():
        found.append("the variables differ")
    different = [name for name in ours if not np.array_equal(ours[name], theirs.get(name))]
    found += [f"{name} differs" for name in different]
    if disturbed.episodes() != undisturbed.episodes():
        found.append("the evaluated episodes differ")
    return found


def main() -> None:
    """Runs both trainings, prints the kills and writes the results to --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="number of kills")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    parser.add_argument("--out", type=outputs.output_file, help="JSON file of the results")
    arguments = parser.parse_args()
    kills = draw_kills(arguments.kills, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = Training(pathlib.Path(folder), "undisturbed")
        undisturbed.run()
        disturbed = Training(pathlib.Path(folder), "disturbed")
        print("| kill | kind | at checkpoint | after | newest checkpoint |\n|---|---|---|---|---|")
        for number, kill in enumerate(kills, 1):
            disturbed.run(kill)
            at = "–" if kill.kind == "start" else kill.step
            left = f"{kill.checkpoint}{', the training had ended' if kill.ended else ''}"
            print(f"| {number} | {kill.kind} | {at} | {kill.delay:.3f} s | {left} |", flush=True)
        disturbed.run()
        found = find_differences(disturbed, undisturbed, kills)
        num_values = len(undisturbed.values())
    if arguments.out:
        content = {
            "differences": found,
            "compared_values": num_values,
            "seed": arguments.seed,
            "kills": [dataclasses.asdict(kill) for kill in kills],
            "bindings": _BINDINGS,
            "machine": measuring.machine(),
        }
        arguments.out.write_text(json.dumps(content, indent=2) + "\n")
    if found:
        raise SystemExit("; ".join(found))
    print(f"nothing was lost: {num_values} values are equal bit for bit")


if __name__ == "__main__":
    main()
