"""Writes a dataset folder in one go."""

from __future__ import annotations

import contextlib
import os
from types import TracebackType
from typing import Any

from tf_agents.trajectories import trajectory

from data.episodes import Episode, specs
from data.errors import DataError
from data.shards import (
    encoding,
    manifest,
    shard_paths,
    shard_reader,
    shard_summary,
    shard_writer,
)
from data.writing import staging_folder


class EpisodeWriter:
    """Writes episodes into a new dataset folder.

    A context manager. Shards are written to a hidden folder beside the final one. It is renamed if
    the block ends without an exception, and removed otherwise. The next writer of the same folder
    removes what a killed process left behind.

    Args:
        folder: The dataset folder; must be absent or empty.
        spec: Trajectory of tensor specs or array specs of one frame.
        num_shards: Number of shards; episodes are distributed round-robin.
        image_format: How images are stored: "raw"; "png", lossless, about a third of the size; or
            "jpeg", lossy, about a seventh.
        extra: Metadata of JSON types for the manifest, such as the environment's name.

    Raises:
        DataError: If the folder is not empty, another process is writing it, it cannot be written,
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
        self._staging = staging_folder.StagingFolder(self._folder)
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

    def write(self, episode: Episode) -> None:
        """Appends one episode.

        Raises:
            DataError: If the episode does not match the spec, has unusable values or impossible
                step types, or the disk is full.
        """
        shard = self._num_episodes % self._num_shards
        if shard == len(self._writers):
            writer = shard_writer.ShardWriter(
                self._staging.path / shard_paths.shard_file_name(shard),
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
        reader = shard_reader.FrameReader(self._spec)
        paths = shard_paths.resolve_shards(self._staging.path)
        written = [shard_summary.summarize_shard(path, reader) for path in paths]
        manifest.write_manifest(
            self._staging.path, shard_summary.combine_summaries(written, self._extra)
        )
        self._staging.publish()
