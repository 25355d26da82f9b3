"""Writes one shard."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import Episode, specs, step_order, value_checks
from data.errors import DataError
from data.shards import encoding, shard_paths, spec_files
from ibc_agents.core import files


def check_episode(label: str, episode: Episode, spec: trajectory.Trajectory) -> None:
    """Raises a DataError unless an episode can be stored.

    Args:
        label: Name of the episode in the message.
        episode: A whole episode, from FIRST on.
        spec: Trajectory of `tf.TensorSpec` of one frame.
    """
    frames = episode.frames
    # By paths, because a spec has tuples where an environment may have lists.
    paths, expected = ([name for name, _ in specs.named_leaves(nest)] for nest in (frames, spec))
    if paths != expected:
        raise DataError(f"{label}: its nest differs from that of the spec.")
    for (name, leaf), values in zip(specs.named_leaves(spec), tf.nest.flatten(frames)):
        if values.shape[1:] != tuple(leaf.shape) or values.dtype != leaf.dtype.as_numpy_dtype:
            raise DataError(
                f"{label}: {name} is {values.dtype} {list(values.shape[1:])} per frame; "
                f"the spec says {leaf.dtype.name} {leaf.shape}."
            )
    step_type = frames.step_type
    if step_type[0] != ts.StepType.FIRST or np.any(step_type[1:] == ts.StepType.FIRST):
        raise DataError(f"{label}: its first frame, and no other, must have step type FIRST.")
    if np.any(step_type[1:-1] != ts.StepType.MID):
        raise DataError(f"{label}: only its last frame may have another step type than MID.")
    disorder = step_order.find_disorder(step_order.StepTypes(step_type, frames.next_step_type))
    if disorder:
        raise DataError(f"{label}, frame {disorder.row} {disorder.text}.")
    for problem in value_checks.find_problems(frames, spec):
        raise DataError(f"{label}, frame {problem.row}: {problem.leaf} {problem.text}.")


class ShardWriter:
    """Writes the episodes of one shard, and its spec. Equal episodes give equal bytes.

    A context manager: at the end of its block the shard is closed and flushed to the disk.

    Args:
        path: Path of the shard; an existing file is replaced.
        spec: Trajectory of `tf.TensorSpec` of one frame.
        image_format: How images are stored, one of `encoding.IMAGE_FORMATS`.
        dataset: Folder of the dataset, for messages.

    Raises:
        DataError: If the file cannot be written, or the format cannot store the spec's images.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        spec: trajectory.Trajectory,
        image_format: encoding.ImageFormat,
        dataset: str | os.PathLike,
    ) -> None:
        encoding.check_image_format(spec, image_format)
        self._path = os.fspath(path)
        self._spec = spec
        self._image_format = image_format
        self._dataset = dataset
        with files.report_disk_errors(dataset, DataError):
            spec_files.write_spec(self._path, spec)
            self._writer = tf.io.TFRecordWriter(self._path)

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        if kind is not None:
            with contextlib.suppress(tf.errors.OpError):
                self._writer.close()
            return
        with files.report_disk_errors(self._dataset, DataError):
            self._writer.close()
            for path in (self._path, self._path + shard_paths.SPEC_SUFFIX):
                files.fsync(path)

    def write(self, number: int, episode: Episode) -> None:
        """Appends one episode.

        Args:
            number: Number of the episode, for messages.
            episode: A whole episode, from FIRST on.

        Raises:
            DataError: If the episode does not match the spec, has unusable values or impossible
                step types, or the disk is full.
        """
        check_episode(f"{self._dataset}: episode {number}", episode, self._spec)
        with files.report_disk_errors(self._dataset, DataError):
            for record in encoding.encode_frames(episode.frames, self._spec, self._image_format):
                self._writer.write(record)
