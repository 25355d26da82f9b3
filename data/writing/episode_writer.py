"""Writing a dataset folder: all of it appears at once, or nothing."""

from __future__ import annotations

import contextlib
import os
from types import TracebackType
from typing import Any

from tf_agents.trajectories import trajectory

from data.episodes import episodes, specs
from data.errors import DataError
from data.shards import encoding, manifest, shard_writer, tfrecord
from data.writing import staging


class EpisodeWriter:
    """Writes episodes into a new dataset folder.

    A context manager. Shards grow in a hidden folder beside the final one, which is renamed when
    the block ends without an exception; otherwise it is removed. What a killed process left behind
    is removed by the next writer of the same folder.

    Args:
        folder: the dataset folder; must not exist yet, or be empty.
        spec: Trajectory of tensor specs or array specs of one frame.
        num_shards: episodes are dealt to this many files in turn.
        image_format: how images are stored: "raw"; "png", lossless, about a third of the size; or
            "jpeg", lossy, about a seventh.
        extra: metadata of JSON types for the manifest, such as the environment's name.

    Raises:
        DataError: the folder holds something, another process is writing it, it cannot be written,
            or the spec is unusable.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        spec: trajectory.Trajectory,
        *,
        num_shards: int = 1,
        image_format: encoding.ImageFormat = "raw",
        extra: dict[str, Any] | None = None,
    ) -> None:
        if num_shards < 1:
            raise DataError(f"{folder}: num_shards is {num_shards}; it must be at least 1.")
        self._folder = folder
        self._spec = specs.as_trajectory_spec(spec)
        encoding.check_image_format(self._spec, image_format)
        self._num_shards = num_shards
        self._extra = dict(extra or {})
        manifest.check_extra(self._extra)
        self._image_format = image_format
        self._writers: list[shard_writer.ShardWriter] = []
        self._num_episodes = 0

    def __enter__(self) -> EpisodeWriter:
        self._staging = staging.StagingFolder(self._folder)
        self._staging.clear()
        self._open = contextlib.ExitStack()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._open.__exit__(kind, error, traceback)
            if kind is None:
                self._finish()
        finally:
            self._staging.close()

    def write(self, episode: episodes.Episode) -> None:
        """Appends one episode.

        Raises:
            DataError: it does not match the spec, holds values that cannot be used, is not one
                episode, or the disk is full.
        """
        shard = self._num_episodes % self._num_shards
        if shard == len(self._writers):
            writer = shard_writer.ShardWriter(
                self._staging.path / shard_writer.shard_name(shard),
                self._spec,
                self._image_format,
                self._staging.folder,
            )
            self._writers.append(self._open.enter_context(writer))
        self._writers[shard].write(self._num_episodes, episode)
        self._num_episodes += 1

    def _finish(self) -> None:
        folder = self._staging.folder
        if not self._num_episodes:
            raise DataError(f"{folder}: no episode was written; the folder is not created.")
        reader = tfrecord.FrameReader(self._spec)
        paths = tfrecord.resolve_shards(self._staging.path)
        written = [shard_writer.describe(path, reader) for path in paths]
        manifest.write_manifest(self._staging.path, shard_writer.combine(written, self._extra))
        self._staging.publish()
