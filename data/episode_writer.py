"""Writing a dataset folder: all of it appears at once, or nothing."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import pathlib
import secrets
import shutil
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory
from tf_agents.utils import example_encoding_dataset

from data import encoding, episodes, manifest, specs, tfrecord, validation
from data.errors import DataError

_LOCK_NAME = ".lock"


class EpisodeWriter:
    """Writes episodes into a new dataset folder.

    A context manager. Shards grow in a hidden folder beside the final one, which is renamed when
    the block ends without an exception; otherwise it is removed. What a killed process left behind
    is removed by the next writer of the same folder.

    Args:
        folder: the dataset folder; must not exist yet, or be empty.
        spec: Trajectory of tensor specs or array specs of one frame.
        num_shards: episodes are dealt to this many files in turn.
        compress_images: store images as JPEG (lossy, about 20 times smaller) instead of raw.
        extra: metadata of JSON types for the manifest, such as the environment's name.

    Raises:
        DataError: the folder holds something, cannot be written, or the spec is unusable.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        spec: trajectory.Trajectory,
        *,
        num_shards: int = 1,
        compress_images: bool = False,
        extra: dict[str, Any] | None = None,
    ) -> None:
        if num_shards < 1:
            raise DataError(f"{folder}: num_shards is {num_shards}; it must be at least 1.")
        self._folder = pathlib.Path(os.path.abspath(os.path.expanduser(folder)))
        self._spec = specs.as_trajectory_spec(spec)
        self._num_shards = num_shards
        self._extra = dict(extra or {})
        manifest.check_extra(self._extra)
        self._compress_images = compress_images
        self._writers: list[tf.io.TFRecordWriter] = []
        self._num_episodes = 0

    def __enter__(self) -> EpisodeWriter:
        with _disk_errors(self._folder):
            self._refuse_to_overwrite()
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            _remove_stale(self._folder)
            self._partial, self._lock = _make_partial(self._folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                with _disk_errors(self._folder):
                    self._finish()
        finally:
            for writer in self._writers:
                with contextlib.suppress(tf.errors.OpError):
                    writer.close()
            shutil.rmtree(self._partial, ignore_errors=True)
            os.close(self._lock)

    def write(self, episode: episodes.Episode) -> None:
        """Appends one episode.

        Raises:
            DataError: it does not match the spec, holds values that cannot be used, is not one
                episode, or the disk is full.
        """
        self._check(episode)
        shard = self._num_episodes % self._num_shards
        with _disk_errors(self._folder):
            if shard == len(self._writers):
                self._writers.append(self._open_shard(shard))
            for record in encoding.encode_frames(episode.frames, self._spec, self._compress_images):
                self._writers[shard].write(record)
        self._num_episodes += 1

    def _check(self, episode: episodes.Episode) -> None:
        where = f"{self._folder}: episode {self._num_episodes}"
        frames = episode.frames
        try:
            tf.nest.assert_same_structure(self._spec, frames)
        except (TypeError, ValueError) as error:
            raise DataError(f"{where}: its nest is not that of the spec.") from error
        for (name, leaf), values in zip(specs.named_leaves(self._spec), tf.nest.flatten(frames)):
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
        for problem in validation.find_problems(frames, self._spec):
            raise DataError(f"{where}, frame {problem.row}: {problem.leaf} {problem.text}.")

    def _open_shard(self, number: int) -> tf.io.TFRecordWriter:
        path = os.fspath(self._partial / f"shard-{number:05d}.tfrecord")
        example_encoding_dataset.encode_spec_to_file(path + tfrecord.SPEC_SUFFIX, self._spec)
        return tf.io.TFRecordWriter(path)

    def _finish(self) -> None:
        if not self._num_episodes:
            raise DataError(f"{self._folder}: no episode was written; the folder is not created.")
        for writer in self._writers:
            writer.close()
        manifest.write_manifest(self._partial, self._describe())
        for path in self._partial.iterdir():
            _fsync(path)
        _fsync(self._partial)
        self._refuse_to_overwrite()
        os.rename(self._partial, self._folder)
        # Only now: without its lock the partial folder would look stale.
        (self._folder / _LOCK_NAME).unlink()
        _fsync(self._folder.parent)

    def _describe(self) -> manifest.Manifest:
        """Reads everything back: the manifest tells what is on the disk, JPEG losses and all."""
        shards, hashes = [], []
        reader = tfrecord.FrameReader(self._spec)
        for shard in tfrecord.resolve_shards(self._partial):
            found = episodes.cut_episodes(reader.read(shard))
            read = [(episode.num_frames, episode.content_hash) for episode in found]
            frames = sum(length for length, _ in read)
            hashes += [content_hash for _, content_hash in read]
            name, sha256 = os.path.basename(shard), manifest.file_sha256(shard)
            shards.append(manifest.ShardEntry(name, len(read), frames, sha256))
        return manifest.Manifest(episodes.combined_hash(hashes), tuple(shards), self._extra)

    def _refuse_to_overwrite(self) -> None:
        if self._folder.exists() and (not self._folder.is_dir() or any(self._folder.iterdir())):
            raise DataError(f"{self._folder}: exists already; remove it or name another folder.")


def _make_partial(folder: pathlib.Path) -> tuple[pathlib.Path, int]:
    """A new hidden folder beside `folder`, and the descriptor of the lock that its owner holds."""
    while True:
        partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}-{secrets.token_hex(4)}")
        partial.mkdir()
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            return partial, _lock(partial)
        # Another writer took the new folder for a stale one before it was locked.


def _remove_stale(folder: pathlib.Path) -> None:
    """Removes partial folders whose owner is dead: nobody holds their lock."""
    for partial in folder.parent.glob(f".{glob.escape(folder.name)}.partial-*"):
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            lock = _lock(partial)
            shutil.rmtree(partial, ignore_errors=True)
            os.close(lock)


def _lock(partial: pathlib.Path) -> int:
    descriptor = os.open(partial / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.stat(partial / _LOCK_NAME)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _fsync(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _disk_errors(folder: pathlib.Path) -> Iterator[None]:
    """Turns a failure of the disk into a sentence."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be written ({error.strerror}); free the disk or name another folder."
        ) from error
    except tf.errors.OpError as error:
        reason = str(error.message).rsplit(";", 1)[-1].strip()
        raise DataError(
            f"{folder}: cannot be written ({reason}); free the disk or name another folder."
        ) from error
