"""Writing one shard, and saying what is in it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from data.episodes import episodes, specs, validation
from data.errors import DataError
from data.shards import encoding, manifest, tfrecord
from ibc_agents.core import files


@dataclasses.dataclass(frozen=True)
class Shard:
    """What a finished shard holds.

    Attributes:
        entry: of the manifest.
        content_hashes: of its episodes, in order.
        extra: what else is remembered until the dataset is whole, of JSON types.
    """

    entry: manifest.ShardEntry
    content_hashes: Sequence[str]
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)


def shard_name(number: int) -> str:
    """The file name of a dataset's shard, counted from 0."""
    return f"shard-{number:05d}.tfrecord"


def describe(path: str | os.PathLike, reader: tfrecord.FrameReader, **extra: Any) -> Shard:
    """Reads a shard back: what it tells is what is on the disk, JPEG losses and all.

    Raises:
        DataError: it cannot be read.
    """
    found = episodes.cut_episodes(reader.read([os.fspath(path)]))
    read = [(episode.num_frames, episode.content_hash) for episode in found]
    entry = manifest.ShardEntry(
        os.path.basename(path),
        len(read),
        sum(num_frames for num_frames, _ in read),
        manifest.file_sha256(path),
    )
    return Shard(entry, [content_hash for _, content_hash in read], extra)


def combine(found: Sequence[Shard], extra: dict[str, Any]) -> manifest.Manifest:
    """The manifest of a dataset of these shards."""
    hashes = [content_hash for shard in found for content_hash in shard.content_hashes]
    entries = tuple(shard.entry for shard in found)
    return manifest.Manifest(episodes.combined_hash(hashes), entries, extra)


def check_episode(where: str, episode: episodes.Episode, spec: trajectory.Trajectory) -> None:
    """Raises a DataError unless an episode can be stored.

    Args:
        where: what the error calls it.
        episode: whole, from FIRST on.
        spec: Trajectory of `tf.TensorSpec` of one frame.
    """
    frames = episode.frames
    try:
        tf.nest.assert_same_structure(spec, frames)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: its nest is not that of the spec.") from error
    for (name, leaf), values in zip(specs.named_leaves(spec), tf.nest.flatten(frames)):
        if values.shape[1:] != tuple(leaf.shape) or values.dtype != leaf.dtype.as_numpy_dtype:
            raise DataError(
                f"{where}: {name} is {values.dtype} {list(values.shape[1:])} a frame where "
                f"the spec says {leaf.dtype.name} {leaf.shape}."
            )
    step_type = frames.step_type
    if step_type[0] != ts.StepType.FIRST or np.any(step_type[1:] == ts.StepType.FIRST):
        raise DataError(f"{where}: its first frame, and no other, must have step type FIRST.")
    if np.any(step_type[1:-1] != ts.StepType.MID):
        raise DataError(f"{where}: only its last frame may have another step type than MID.")
    for problem in validation.find_problems(frames, spec):
        raise DataError(f"{where}, frame {problem.row}: {problem.leaf} {problem.text}.")


class ShardWriter:
    """Writes the episodes of one shard, and the spec beside it. Equal episodes give equal bytes.

    A context manager: when its block ends the shard is closed and on the disk.

    Args:
        path: of the shard; a file that is there is replaced.
        spec: Trajectory of `tf.TensorSpec` of one frame.
        image_format: how images are stored, one of `encoding.IMAGE_FORMATS`.
        dataset: the dataset's folder, for errors.

    Raises:
        DataError: the file cannot be written, or the format cannot hold the spec's images.
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
            self._write_spec()
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
            files.fsync(self._path)

    def write(self, number: int, episode: episodes.Episode) -> None:
        """Appends one episode; `number` is what errors call it.

        Raises:
            DataError: it does not match the spec, holds values that cannot be used, is not one
                episode, or the disk is full.
        """
        check_episode(f"{self._dataset}: episode {number}", episode, self._spec)
        with files.report_disk_errors(self._dataset, DataError):
            for record in encoding.encode_frames(episode.frames, self._spec, self._image_format):
                self._writer.write(record)

    def _write_spec(self) -> None:
        """As TF-Agents' `encode_spec_to_file`, and the same bytes each time."""
        proto = tensor_spec.to_proto(self._spec)
        with tf.io.TFRecordWriter(self._path + tfrecord.SPEC_SUFFIX) as writer:
            writer.write(proto.SerializeToString(deterministic=True))
