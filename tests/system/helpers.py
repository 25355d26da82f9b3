"""Runs commands in new processes or in the process of the test."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pathlib
import re
import resource
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest import mock

import gin
import numpy as np
import tensorflow as tf
from absl import app, flags

ROOT = pathlib.Path(__file__).resolve().parents[2]
EPISODES = 20  # demonstrations of a small run
CHECKPOINTS = pathlib.Path("train", "checkpoints")

# A run of seconds: few demonstrations, small networks, few samples.
SMALL = (
    f"DemonstrationSettings.num_episodes={EPISODES}",
    "TrainingSettings.batch_size=32",
    "MlpEncoder.width=16",
    "MlpEncoder.depth=2",
    "MlpEnergyNetwork.width=16",
    "CounterExamples.number=8",
    "PolicySearch.number=16",
    "DerivativeFree.num_iterations=2",
    "EvaluationSettings.num_episodes=4",
    "EvaluationSettings.batch_size=3",
    "EvaluationSettings.interval_episodes=2",
    "EvaluationSettings.recorded_episodes=0",
)
IN_MEMORY = "Experiment.source=@InMemorySource()"
_DEADLINE_SECONDS = 300


class Done(NamedTuple):
    """Exit code and output of a command."""

    returncode: int
    stdout: str
    stderr: str


def bindings(*values: str) -> list[str]:
    """Returns the flags for gin bindings."""
    return [f"--gin_bindings={value}" for value in values]


def small_run(
    root_dir: pathlib.Path,
    data_dir: pathlib.Path,
    steps: int,
    *values: str,
    task: str = "particle",
    method: str | None = None,
) -> list[str]:
    """Arguments of `train` for a small run, by default of the particle's recipe.

    TensorFlow traces the method `mse` fastest.
    """
    files = [f"tasks/{task}", f"methods/{method}"] if method else [task]
    return [
        *(f"--gin_file=gin_configs/{name}.gin" for name in files),
        f"--root_dir={root_dir}",
        f"--data_dir={data_dir}",
        *bindings(f"num_steps={steps}", *SMALL, *values),
    ]


def start(command: str, *arguments: Any, folder: pathlib.Path) -> subprocess.Popen:
    """Starts a command in a new process, from a folder outside of the checkout."""
    return subprocess.Popen(
        [sys.executable, "-m", command, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_enable_interrupts,
    )


def _enable_interrupts() -> None:
    """Restores the handling of Ctrl-C, which processes of background jobs ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process: subprocess.Popen) -> Done:
    """Waits until a started command has ended."""
    stdout, stderr = process.communicate(timeout=_DEADLINE_SECONDS)
    return Done(process.returncode, stdout, stderr)


def run(command: str, *arguments: Any, folder: pathlib.Path) -> Done:
    """Runs a command in a new process, from a folder outside of the checkout."""
    return finish(start(command, *arguments, folder=folder))


def call(command: str, *arguments: Any) -> Done:
    """Runs a command in this process, which saves the startup of a new one."""
    gin.clear_config()
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        own_flags(),
        mock.patch.object(sys, "argv", [command, *map(str, arguments)]),
        mock.patch("ibc_agents.cli.startup_logs.silence_startup_logs"),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        code: Any = 0
        try:
            runpy.run_module(command, run_name="__main__")
        except SystemExit as end:
            code = end.code
    if isinstance(code, str):  # Python prints it and exits with 1.
        print(code, file=stderr)
        code = 1
    return Done(code or 0, stdout.getvalue(), stderr.getvalue())


@contextlib.contextmanager
def full_disk(free_bytes: int) -> Iterator[None]:
    """Limits the size of the files of this process and its children, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def wait_until(condition: Callable[[], Any], process: subprocess.Popen) -> None:
    """Waits until a condition holds while a process runs."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not condition():
        assert process.poll() is None, finish(process)
        assert time.monotonic() < deadline
        time.sleep(0.005)


def checkpointed_step(root_dir: pathlib.Path) -> int:
    """Returns the step of the newest complete checkpoint of a run, or 0."""
    state = root_dir / CHECKPOINTS / "checkpoint"
    if not state.exists():
        return 0
    (step,) = re.findall(
        r'^model_checkpoint_path: ".*?ckpt-(\d+)"', state.read_text(), re.MULTILINE
    )
    return int(step)


def checkpoint_values(root_dir: pathlib.Path, step: int) -> dict[str, np.ndarray]:
    """Returns every variable of a checkpoint by name."""
    reader = tf.train.load_checkpoint(str(root_dir / CHECKPOINTS / f"ckpt-{step}"))
    names = reader.get_variable_to_shape_map()
    return {name: reader.get_tensor(name) for name in names if name[0] != "_"}


def scalars(folder: pathlib.Path) -> dict[str, dict[int, float]]:
    """Returns the TensorBoard scalars in a folder: tag → step → value."""
    found: dict[str, dict[int, float]] = {}
    for path in sorted(folder.glob("events.out.*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name != "scalars":
                    continue
                number = float(tf.make_ndarray(value.tensor))
                found.setdefault(value.tag, {})[event.step] = number
    return found


def images(folder: pathlib.Path) -> dict[str, dict[int, np.ndarray]]:
    """Returns the TensorBoard images in a folder: tag → step → uint8 [H, W, 3]."""
    found: dict[str, dict[int, np.ndarray]] = {}
    for path in sorted(folder.glob("events.out.*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "images":
                    encoded = tf.make_ndarray(value.tensor)[2]
                    found.setdefault(value.tag, {})[event.step] = tf.io.decode_png(encoded).numpy()
    return found


def files(folder: pathlib.Path) -> list[str]:
    """Returns the names of everything under a folder, hidden files included."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def error_message(done: Done) -> str:
    """Returns the one line with which a command failed."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == lines[0], done.stderr
    return lines[0]


@contextlib.contextmanager
def own_flags() -> Iterator[None]:
    """Removes the flags of a command afterwards, because another one defines the same names."""
    # These define flags, which must stay.
    importlib.import_module("tf_agents.train.learner")
    app.define_help_flags()
    before = set(flags.FLAGS)
    try:
        yield
    finally:
        for name in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, name)
