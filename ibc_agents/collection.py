"""Demonstrations from a scripted demonstrator, into a dataset folder."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tqdm
from tf_agents.policies import py_policy
from tf_agents.trajectories import trajectory

from data import demonstrations, episode_writer, episodes
from environments import base
from ibc_agents import errors

MakeDemonstrator = Callable[[Any], py_policy.PyPolicy]


def collect(
    folder: str | os.PathLike,
    make_environment: Callable[[], base.Environment],
    make_demonstrator: MakeDemonstrator,
    num_episodes: int,
    seed: int,
    batch_size: int = 50,
    num_shards: int = 4,
) -> float:
    """Writes demonstrations 0 … `num_episodes` − 1 of a seed into a new dataset folder.

    The folder appears complete or not at all. Every episode ends with a LAST frame, whose action
    was never executed.

    Args:
        folder: of the dataset; must not exist yet, or be empty.
        make_environment: makes one environment.
        make_demonstrator: makes the demonstrator of a (vector) environment.
        num_episodes: at least 1.
        seed: episode k depends on (seed, k) alone.
        batch_size: episodes that run at once.
        num_shards: files.

    Returns:
        The demonstrator's success rate.

    Raises:
        data.DataError: if the folder cannot be written.
        ValueError: if a number is out of range.
    """
    if min(num_episodes, batch_size, num_shards) < 1:
        raise ValueError(
            "collect needs num_episodes, batch_size and num_shards of at least 1, got "
            f"{num_episodes}, {batch_size}, {num_shards}."
        )
    environment = base.vectorize(make_environment, min(batch_size, num_episodes))
    demonstrator = make_demonstrator(environment)
    extra = {
        "environment": environment.name,
        "demonstrator": type(demonstrator).__name__,
        "seed": seed,
    }
    writer = episode_writer.EpisodeWriter(
        folder,
        demonstrator.trajectory_spec,
        num_shards=min(num_shards, num_episodes),
        extra=extra,
    )
    successes = 0
    try:
        with writer, tqdm.tqdm(total=num_episodes, desc="demonstrations", unit="episode") as bar:
            for episode, success in _episodes(environment, demonstrator, num_episodes, seed):
                writer.write(episode)
                successes += success
                bar.update()
    finally:
        environment.close()
    return successes / num_episodes


def folder_of(
    data_dir: pathlib.Path, make_environment: Callable[[], base.Environment], num_episodes: int
) -> pathlib.Path:
    """Returns where the demonstrations of an environment are kept."""
    environment = make_environment()
    try:
        return data_dir / f"{environment.name}_{num_episodes}"
    finally:
        environment.close()


def check_seed(opened: demonstrations.Demonstrations, folder: os.PathLike, seed: int) -> None:
    """Holds a dataset that is already there against the seed it should have.

    Raises:
        RunError: if it was collected from another seed.
    """
    known = opened.manifest.extra.get("seed") if opened.manifest else None
    if known != seed:
        raise errors.RunError(
            f"{folder} holds demonstrations of seed {known}, not {seed}. Use another --data_dir, "
            "or remove that folder to collect them anew."
        )


def _episodes(
    environment: base.VectorEnvironment,
    demonstrator: py_policy.PyPolicy,
    num_episodes: int,
    seed: int,
) -> Iterator[tuple[episodes.Episode, bool]]:
    """Runs episodes in waves, as many at once as the environment has rows."""
    rows = environment.batch_size
    for first in range(0, num_episodes, rows):
        environment.seed(
            [
                int(np.random.SeedSequence([seed, episode]).generate_state(1)[0])
                for episode in range(first, first + rows)
            ]
        )
        wave = _run_wave(environment, demonstrator)
        yield from wave[: num_episodes - first]


def _run_wave(
    environment: base.VectorEnvironment, demonstrator: py_policy.PyPolicy
) -> list[tuple[episodes.Episode, bool]]:
    rows = environment.batch_size
    frames: list[list[Any]] = [[] for _ in range(rows)]
    success = np.zeros(rows, bool)
    time_step = environment.reset()
    state = demonstrator.get_initial_state(rows)
    running = np.ones(rows, bool)
    while running.any():
        step = demonstrator.action(time_step, state)
        state = step.state
        ended = running & time_step.is_last()
        success[ended] = environment.success[ended]
        next_time_step = environment.step(step.action)
        frame = trajectory.from_transition(time_step, step._replace(info=()), next_time_step)
        for row in np.flatnonzero(running):
            frames[row].append(_row(frame, row))
        running &= ~ended
        time_step = next_time_step
    return [(_stack(rows), bool(won)) for rows, won in zip(frames, success, strict=True)]


def _row(frame: Any, row: int) -> Any:
    return tf.nest.map_structure(lambda leaf: np.asarray(leaf[row]), frame)


def _stack(frames: list[Any]) -> episodes.Episode:
    return episodes.Episode(tf.nest.map_structure(lambda *leaves: np.stack(leaves), *frames))
