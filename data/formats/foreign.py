"""Episodes of other libraries and formats: what importers and exporters share."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tqdm
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import episodes, specs
from data.errors import DataError
from data.shards import encoding, manifest
from data.sources import demonstrations
from data.writing import episode_writer, staging
from ibc_agents.core import files


@contextlib.contextmanager
def optional_libraries() -> Iterator[None]:
    """Around imports of what only one format needs.

    Raises:
        DataError: naming the library that is missing.
    """
    try:
        yield
    except ImportError as error:
        raise DataError(
            f"{error.name or error} is not installed; mend it with: pip install 'ibc-agents[d4rl]'"
        ) from error


@contextlib.contextmanager
def reading(source: str, kind: str) -> Iterator[None]:
    """Turns what a library says of a file that it cannot read into a sentence.

    Args:
        source: the file or folder.
        kind: what it should be, such as "a Minari dataset".

    Raises:
        DataError: naming both, and what the library said.
    """
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{source}: is not there; name {kind}.") from error
    except (OSError, KeyError, ValueError, AssertionError, tf.errors.OpError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{source}: cannot be read as {kind} ({said}).") from error


def recorded_episode(
    observation: Any, action: Any, reward: np.ndarray, terminal: bool
) -> episodes.Episode:
    """An episode of N actions from the columns that most libraries keep.

    Where there is an observation after the last action it becomes the closing frame, of step type
    LAST, whose action (zeros) was never executed. Otherwise the episode has no LAST frame, and all
    its N actions are there to be learned.

    Args:
        observation: nest of arrays [N, ...] or [N + 1, ...].
        action: nest of arrays [N, ...].
        reward: [N].
        terminal: whether the last action ended the task, and not a limit of time: its discount is
            then 0, and all others are 1.

    Raises:
        DataError: there is no action, or the columns are of different lengths.
    """
    reward = np.asarray(reward, np.float32).reshape(-1)
    discount = np.ones_like(reward)
    discount[-1:] = 0.0 if terminal else 1.0
    frames = len(tf.nest.flatten(observation)[0])
    closed = frames == len(reward) + 1
    if closed:
        action, reward = tf.nest.map_structure(_and_zeros, (action, reward))
        discount = np.append(discount, np.float32(1.0))
    return episode_of(observation, action, reward, discount, closed)


def episode_of(
    observation: Any, action: Any, reward: np.ndarray, discount: np.ndarray, closed: bool
) -> episodes.Episode:
    """An episode of L frames.

    Args:
        observation: nest of arrays [L, ...].
        action: nest of arrays [L, ...].
        reward: [L].
        discount: [L].
        closed: whether the action of the last frame was never executed (step type LAST).

    Raises:
        DataError: there is no frame, or the columns are of different lengths.
    """
    step_type = np.full(len(reward), ts.StepType.MID, np.int32)
    step_type[-1:] = ts.StepType.LAST if closed else ts.StepType.MID
    step_type[:1] = ts.StepType.FIRST
    after = ts.StepType.FIRST if closed else ts.StepType.LAST
    frames = trajectory.Trajectory(
        step_type=step_type,
        observation=tf.nest.map_structure(np.asarray, observation),
        action=tf.nest.map_structure(np.asarray, action),
        policy_info=(),
        next_step_type=np.append(step_type[1:], after).astype(np.int32),
        reward=np.asarray(reward, np.float32),
        discount=np.asarray(discount, np.float32),
    )
    return episodes.Episode(frames)


def choose(observation: Mapping[str, Any], keys: Sequence[str] | None, source: str) -> Any:
    """The parts of an observation that are asked for, all where `keys` is None.

    Raises:
        DataError: a part is not there.
    """
    if keys is None:
        return observation
    known = observation if isinstance(observation, Mapping) else {}
    for key in keys:
        if key not in known:
            raise DataError(
                f"{source}: the observation has no part {key!r}; "
                f"its parts are: {', '.join(sorted(known)) or 'none, it is a single array'}."
            )
    return {key: known[key] for key in keys}


def write_dataset(
    folder: str | os.PathLike,
    imported: Iterable[episodes.Episode],
    total: int,
    origin: dict[str, Any],
    *,
    action_spec: Any = None,
    num_shards: int = 1,
    image_format: encoding.ImageFormat = "png",
) -> manifest.Manifest:
    """Writes episodes into a new dataset folder, with a progress bar.

    Args:
        folder: must not exist yet, or be empty.
        imported: the episodes, all of one structure.
        total: number of them.
        origin: what they come from, for the manifest.
        action_spec: nest of tensor specs of one action, where its bounds are known; by default
            without bounds.
        num_shards: files that the episodes are dealt to.
        image_format: how images are stored.

    Returns:
        The manifest.

    Raises:
        DataError: there is no episode, one cannot be used, or the folder cannot be written.
    """
    remaining = iter(imported)
    first = next(remaining, None)
    if first is None:
        raise DataError(f"{folder}: there is no episode to write.")
    spec = tf.nest.map_structure(
        lambda leaf: tf.TensorSpec(leaf.shape[1:], leaf.dtype), first.frames
    )
    if action_spec is not None:
        spec = spec._replace(action=action_spec)
    try:
        spec = specs.as_trajectory_spec(spec)
    except DataError as error:
        raise DataError(
            f"{folder}: {error}; take only the parts of the observation that can be learned from."
        ) from error
    with episode_writer.EpisodeWriter(
        folder, spec, num_shards=num_shards, image_format=image_format, extra=origin
    ) as writer:
        all_of_them = itertools.chain([first], remaining)
        for episode in tqdm.tqdm(all_of_them, desc="import", unit="episode", total=total):
            writer.write(episode)
    return manifest.read_manifest(os.path.expanduser(folder))


@contextlib.contextmanager
def new_folder(folder: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A folder to write what another library keeps; it gets its name when the block ends well.

    Raises:
        DataError: it holds something, another process is writing it, or it cannot be written.
    """
    staged = staging.StagingFolder(folder)
    try:
        staged.clear()
        with files.report_disk_errors(folder, DataError):
            yield staged.path
        staged.publish()
    finally:
        staged.close()


def exported_episodes(opened: demonstrations.Demonstrations) -> Iterator[episodes.Episode]:
    """The episodes of a dataset that was opened with nothing held out, with a progress bar."""
    return iter(tqdm.tqdm(opened.train, desc="export", unit="episode"))


def _and_zeros(leaf: np.ndarray) -> np.ndarray:
    return np.concatenate([leaf, np.zeros_like(leaf[:1])])
