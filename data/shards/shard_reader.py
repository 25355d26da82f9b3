"""Reads the frames and episodes of shards."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence

import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import Episode, specs, value_checks
from data.errors import DataError
from data.shards import decoding, frame_chunks, record_files, shard_paths, spec_files

_MAX_CHUNK_FRAMES = 2048
_MAX_CHUNK_BYTES = 32 << 20
# A record of a frame is at most a little longer than the frame. Other writers may add features.
_MAX_RECORD_BYTES = 64 << 20
_MAX_RECORD_BYTES_PER_FRAME_BYTE = 4
# Shards of a group share a pipeline, because with many small shards, creating pipelines takes the
# longest. Their headers are read before, so a group must fit into the cache of the disk.
_GROUP_BYTES = 256 << 20


def read_episodes(paths: shard_paths.Paths) -> Iterator[Episode]:
    """Reads and checks episodes, one shard after another.

    At most one chunk of frames and one episode are in memory.

    Args:
        paths: A folder, a shard, a glob, or a list of those.

    Raises:
        DataError: If the data cannot be used. The message names the file and the record.
    """
    return iter(EpisodeReader(paths))


class EpisodeReader:
    """Reads and checks the episodes of shards, and counts them.

    Args:
        paths: A folder, a shard, a glob, or a list of those.

    Attributes:
        shards: Paths of the shards.
        spec: Trajectory of `tf.TensorSpec` of one frame.
        counts: What each shard contains, by its path; of those that were read.

    Raises:
        DataError: If there is no shard, or a spec cannot be used.
    """

    def __init__(self, paths: shard_paths.Paths) -> None:
        self.shards = shard_paths.resolve_shards(paths)
        self.spec = spec_files.read_common_spec(self.shards)
        self.counts: dict[str, frame_chunks.ShardCounts] = {}

    def __iter__(self) -> Iterator[Episode]:
        """Yields the episodes, one shard after another.

        Raises:
            DataError: If the data cannot be used. The message names the file and the record.
        """
        yield from self.split(self._checked(self.read_frames()))

    def read_frames(self) -> Iterator[frame_chunks.FrameChunk]:
        """Yields all frames in chunks, without checking their values."""
        return FrameReader(self.spec).read(self.shards)

    def split(self, chunks: Iterable[frame_chunks.FrameChunk]) -> Iterator[Episode]:
        """Yields the episodes of all frames.

        Raises:
            DataError: If step types are in an impossible order, or no episode begins.
        """
        splitter = frame_chunks.EpisodeSplitter()
        self.counts = splitter.counts
        yield from splitter.split(chunks)
        if not any(counts.episodes for counts in self.counts.values()):
            raise DataError(
                f"{self.shards[0]}: no episode begins: no record has step_type FIRST (0). Write "
                "the shards again, with the step types of the environment."
            )

    def _checked(
        self, chunks: Iterable[frame_chunks.FrameChunk]
    ) -> Iterator[frame_chunks.FrameChunk]:
        for chunk in chunks:
            for problem in value_checks.find_problems(chunk.frames, self.spec):
                record = chunk.first_record + problem.row
                raise DataError(f"{chunk.shard}: record {record}: {problem.leaf} {problem.text}.")
            yield chunk


class FrameReader:
    """Reads frames in chunks, without checking their values.

    Args:
        spec: Trajectory of `tf.TensorSpec` of one frame.
    """

    def __init__(self, spec: trajectory.Trajectory) -> None:
        self._spec = spec
        self._frame_bytes = specs.frame_bytes(spec)
        self._decoders: dict[frozenset[str], decoding.FrameDecoder] = {}

    def read(self, shards: Sequence[str]) -> Iterator[frame_chunks.FrameChunk]:
        """Yields the frames of one shard after another, in order.

        Raises:
            DataError: If a shard is missing, empty, truncated or corrupt, or a record does not
                match the spec.
        """
        for group in self._groups(shards):
            batches = iter(self._record_batches(group))
            for file in group:
                yield from self._frames(file, itertools.takewhile(len, batches))

    def _groups(self, shards: Sequence[str]) -> Iterator[list[record_files.RecordFile]]:
        """Yields the shards, with checked headers, in groups."""
        limit = max(_MAX_RECORD_BYTES, _MAX_RECORD_BYTES_PER_FRAME_BYTE * self._frame_bytes)
        group: list[record_files.RecordFile] = []
        num_bytes = 0
        for shard in shards:
            group.append(record_files.scan(shard, limit))
            num_bytes += os.path.getsize(shard)
            if num_bytes >= _GROUP_BYTES:
                yield group
                group, num_bytes = [], 0
        if group:
            yield group

    def _record_batches(self, group: Sequence[record_files.RecordFile]) -> tf.data.Dataset:
        """Returns the records of shards in batches, with an empty batch after each shard."""

        def batches_of(path: tf.Tensor, compression: tf.Tensor, rows: tf.Tensor) -> tf.data.Dataset:
            return tf.data.TFRecordDataset(path, compression).batch(rows).concatenate(end_of_shard)

        end_of_shard = tf.data.Dataset.from_tensors(tf.constant([], tf.string))
        paths = tf.constant([file.path for file in group])
        compressions = tf.constant([file.compression for file in group])
        rows = tf.constant([self._num_rows(file) for file in group], tf.int64)
        named = tf.data.Dataset.from_tensor_slices((paths, compressions, rows))
        return named.flat_map(batches_of).prefetch(1)

    def _num_rows(self, file: record_files.RecordFile) -> int:
        """Returns the number of records in a chunk."""
        row_bytes = max(self._frame_bytes, file.largest_bytes)
        return max(1, min(_MAX_CHUNK_FRAMES, _MAX_CHUNK_BYTES // row_bytes))

    def _frames(
        self, file: record_files.RecordFile, batches: Iterator[tf.Tensor]
    ) -> Iterator[frame_chunks.FrameChunk]:
        """Yields the frames of a shard from batches of its records."""
        decoder: decoding.FrameDecoder | None = None
        first_record = 0
        try:
            for records in batches:
                decoder = decoder or self._decoder(file.path, records[0].numpy())
                yield frame_chunks.FrameChunk(file.path, first_record, decoder(records))
                first_record += len(records)
        # TensorFlow's message may quote a record that is not text.
        except (tf.errors.OpError, UnicodeDecodeError) as error:
            raise self._diagnose(file, error) from error
        if first_record != file.num_records:
            raise DataError(f"{file.path}: was changed while it was read; read it again.")

    def _decoder(self, shard: str, first_record: bytes) -> decoding.FrameDecoder:
        """Returns the decoder of the shard that begins with this record.

        Raises:
            DataError: If the record does not match the spec. TensorFlow allocates what the spec
                claims before it compares it with the record.
        """
        compressed = decoding.compressed_leaves(self._spec, first_record)
        if compressed not in self._decoders:
            self._decoders[compressed] = decoding.FrameDecoder(self._spec, compressed)
        decoder = self._decoders[compressed]
        problem = decoder.find_problem(first_record)
        if problem:
            raise _mismatch(shard, 0, problem)
        return decoder

    def _diagnose(self, file: record_files.RecordFile, error: Exception) -> DataError:
        """Reads a bad shard again, record by record, and describes the bad record."""
        decoder: decoding.FrameDecoder | None = None
        record = 0
        try:
            for data in file.records().as_numpy_iterator():
                decoder = decoder or self._decoder(file.path, data)
                problem = decoder.find_problem(data)
                if problem:
                    return _mismatch(file.path, record, problem)
                record += 1
        except tf.errors.DataLossError:
            return record_files.corrupt(file.path, record)
        except tf.errors.OpError as other:
            error = other
        reason = str(error).splitlines()[0]
        return DataError(f"{file.path}: cannot be read at record {record} ({reason}).")


def _mismatch(shard: str, record: int, problem: str) -> DataError:
    return DataError(f"{shard}: record {record} {problem}. Write the shard again.")
