"""Reads the frames and episodes of shards."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence

import tensorflow as tf
from tf_agents.trajectories import trajectory

from data.episodes import Episode, specs, value_checks
from data.errors import DataError
from data.shards import decoding, frame_chunks, shard_paths, spec_files

# Length and two checksums around each record.
_FRAMING_BYTES = 16
_MAX_CHUNK_FRAMES = 2048
_MAX_CHUNK_BYTES = 32 << 20


def read_episodes(paths: shard_paths.Paths) -> Iterator[Episode]:
    """Reads and checks episodes, one shard after another.

    At most one chunk of frames and one episode are in memory.

    Args:
        paths: A folder, a shard, a glob, or a list of those.

    Raises:
        DataError: If the data cannot be used. The message names the file and the record.
    """
    shards = shard_paths.resolve_shards(paths)
    spec = spec_files.read_common_spec(shards)
    yield from frame_chunks.split_episodes(_checked(FrameReader(spec).read(shards), spec))


class FrameReader:
    """Reads frames in chunks, without checking their values.

    Args:
        spec: Trajectory of `tf.TensorSpec` of one frame.
    """

    def __init__(self, spec: trajectory.Trajectory) -> None:
        self._spec = spec
        self._rows = max(1, min(_MAX_CHUNK_FRAMES, _MAX_CHUNK_BYTES // specs.frame_bytes(spec)))
        self._decoders: dict[frozenset[str], decoding.FrameDecoder] = {}

    def read(self, shards: Sequence[str]) -> Iterator[frame_chunks.FrameChunk]:
        """Yields the frames of one shard after another, in order.

        Raises:
            DataError: If a shard is missing, empty, truncated or corrupt, or a record does not
                match the spec.
        """

        def batches_of(shard: tf.Tensor) -> tf.data.Dataset:
            return tf.data.TFRecordDataset(shard).batch(self._rows).concatenate(end_of_shard)

        end_of_shard = tf.data.Dataset.from_tensors(tf.constant([], tf.string))
        # One dataset for all shards: with many small shards, creating datasets takes the longest.
        named = tf.data.Dataset.from_tensor_slices(list(shards))
        batches = iter(named.flat_map(batches_of).prefetch(1))
        for shard in shards:
            yield from self._frames(shard, itertools.takewhile(len, batches))

    def _frames(
        self, shard: str, batches: Iterator[tf.Tensor]
    ) -> Iterator[frame_chunks.FrameChunk]:
        """Yields the frames of a shard from batches of its records."""
        decoder: decoding.FrameDecoder | None = None
        first_record = num_bytes = 0
        try:
            for records in batches:
                decoder = decoder or self._decoder(records[0].numpy())
                yield frame_chunks.FrameChunk(shard, first_record, decoder(records))
                first_record += len(records)
                num_bytes += int(tf.reduce_sum(tf.strings.length(records) + _FRAMING_BYTES))
            # TensorFlow reports no error for a file that ends within the header of a record.
            if num_bytes != os.path.getsize(shard):
                raise _truncated(shard, first_record)
        # TensorFlow's message may quote a record that is not text.
        except (tf.errors.OpError, UnicodeDecodeError) as error:
            raise self._diagnose(shard, error) from error
        if not first_record:
            raise DataError(f"{shard}: the file contains no record; remove it or write it again.")

    def _decoder(self, first_record: bytes) -> decoding.FrameDecoder:
        """Returns the decoder of the shard that begins with this record."""
        compressed = decoding.compressed_leaves(self._spec, first_record)
        if compressed not in self._decoders:
            self._decoders[compressed] = decoding.FrameDecoder(self._spec, compressed)
        return self._decoders[compressed]

    def _diagnose(self, shard: str, error: Exception) -> DataError:
        """Reads a bad shard again, record by record, and describes the bad record."""
        decoder: decoding.FrameDecoder | None = None
        record = 0
        try:
            for data in tf.data.TFRecordDataset(shard).as_numpy_iterator():
                decoder = decoder or self._decoder(data)
                problem = decoder.find_problem(data)
                if problem:
                    return DataError(f"{shard}: record {record} {problem}. Write the shard again.")
                record += 1
        except tf.errors.NotFoundError:
            return DataError(f"{shard}: no such file; check the path.")
        except tf.errors.DataLossError as loss:
            if "truncated" in str(loss):
                return _truncated(shard, record)
            return DataError(
                f"{shard}: record {record} is corrupt: its checksum does not match. Copy or write "
                "the shard again."
            )
        except tf.errors.OpError as other:
            error = other
        reason = str(error).splitlines()[0]
        return DataError(f"{shard}: cannot be read at record {record} ({reason}).")


def _checked(
    chunks: Iterator[frame_chunks.FrameChunk], spec: trajectory.Trajectory
) -> Iterator[frame_chunks.FrameChunk]:
    for chunk in chunks:
        for problem in value_checks.find_problems(chunk.frames, spec):
            record = chunk.first_record + problem.row
            raise DataError(f"{chunk.shard}: record {record}: {problem.leaf} {problem.text}.")
        yield chunk


def _truncated(shard: str, record: int) -> DataError:
    return DataError(
        f"{shard}: record {record} is cut off: the file is truncated. Copy or write the shard "
        "again."
    )
