"""Reading shards: TFRecord files of `tf.train.Example`, one frame a record."""

from __future__ import annotations

import glob
import itertools
import os
import pathlib
from collections.abc import Iterator, Sequence

import tensorflow as tf
from google.protobuf import message
from tensorflow.core.protobuf import struct_pb2
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import trajectory

from data.episodes import episodes, specs, validation
from data.errors import DataError
from data.shards import decoding

SPEC_SUFFIX = ".spec"
# Length and two checksums around each record.
_FRAMING_BYTES = 16
_MAX_CHUNK_FRAMES = 2048
_MAX_CHUNK_BYTES = 32 << 20

PathLike = str | os.PathLike
Paths = PathLike | Sequence[PathLike]


def resolve_shards(paths: Paths) -> list[str]:
    """Files that a path stands for.

    Args:
        paths: a folder (its files with `.tfrecord` in their name), a shard, a glob, or a list of
            those.

    Returns:
        Paths of the shards, sorted, each once.

    Raises:
        DataError: a path does not exist or stands for no shard.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    if not paths:
        raise DataError("no path to demonstrations was given; name a folder, a shard or a glob.")
    shards: set[str] = set()
    for path in paths:
        shards.update(_expand(os.path.expanduser(os.fspath(path))))
    return sorted(shards)


def _expand(path: str) -> list[str]:
    if os.path.isdir(path):
        try:
            names = os.listdir(path)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
        found = [os.path.join(path, n) for n in names if ".tfrecord" in n and n[0] != "."]
        problem = "this folder holds no .tfrecord shard; check the path"
    elif os.path.exists(path):
        return [path]
    elif glob.has_magic(path):
        found = [name for name in glob.glob(path, recursive=True) if os.path.isfile(name)]
        problem = "no file matches this pattern; check it, and quote it in a shell"
    else:
        raise DataError(f"{path}: no such file or folder; check the path.")
    shards = [name for name in found if not name.endswith(SPEC_SUFFIX)]
    if not shards:
        raise DataError(f"{path}: {problem}.")
    return shards


def read_spec(shard: PathLike) -> trajectory.Trajectory:
    """The spec of a shard's frames, from the `.spec` file beside it.

    Returns:
        Trajectory of `tf.TensorSpec` of one frame.

    Raises:
        DataError: the file is missing, garbled, or describes no Trajectory.
    """
    path = os.fspath(shard) + SPEC_SUFFIX
    if not os.path.exists(path):
        raise DataError(f"{path}: no such file; copy the spec that was written with the shard.")
    try:
        proto = next(iter(tf.data.TFRecordDataset(path).as_numpy_iterator()))
        spec = tensor_spec.from_proto(struct_pb2.StructuredValue.FromString(proto))
    except (StopIteration, ValueError, message.DecodeError, tf.errors.OpError) as error:
        raise DataError(
            f"{path}: not a readable spec; copy the one that was written with the shard."
        ) from error
    try:
        return specs.as_trajectory_spec(spec)
    except DataError as error:
        raise DataError(f"{path}: {error}; write the shard anew.") from error


def read_common_spec(shards: Sequence[str]) -> trajectory.Trajectory:
    """The one spec that all shards share.

    Raises:
        DataError: a spec cannot be read, or two shards differ.
    """
    first = read_spec(shards[0])
    # Usually they are equal to the byte, which is found a hundred times faster than by parsing.
    equal = {_spec_bytes(shards[0])}
    for shard in shards[1:]:
        if (content := _spec_bytes(shard)) in equal:
            continue
        differs = specs.difference(first, read_spec(shard))
        equal.add(content)
        if differs:
            raise DataError(
                f"{shard}: its spec is not that of {shards[0]}: {differs}; read the two separately."
            )
    return first


def _spec_bytes(shard: str) -> bytes:
    """The content of the spec file, empty where it cannot be read: `read_spec` says why."""
    try:
        return pathlib.Path(shard + SPEC_SUFFIX).read_bytes()
    except OSError:
        return b""


def read_episodes(paths: Paths) -> Iterator[episodes.Episode]:
    """Reads and checks episodes, shard after shard, in memory of one chunk and one episode.

    Args:
        paths: what `resolve_shards` takes.

    Raises:
        DataError: naming file and record: anything that makes the data unusable.
    """
    shards = resolve_shards(paths)
    spec = read_common_spec(shards)
    yield from episodes.cut_episodes(_checked(FrameReader(spec).read(shards), spec))


class FrameReader:
    """Reads frames in chunks, whatever their values.

    Args:
        spec: Trajectory of `tf.TensorSpec` of one frame.
    """

    def __init__(self, spec: trajectory.Trajectory) -> None:
        self._spec = spec
        self._rows = max(1, min(_MAX_CHUNK_FRAMES, _MAX_CHUNK_BYTES // specs.frame_bytes(spec)))
        self._decoders: dict[frozenset[str], decoding.FrameDecoder] = {}

    def read(self, shards: Sequence[str]) -> Iterator[episodes.FrameChunk]:
        """Yields the frames of one shard after another, in order.

        Raises:
            DataError: a shard is missing, empty, truncated or corrupt, or a record does not match
                the spec.
        """

        def batches_of(shard: tf.Tensor) -> tf.data.Dataset:
            return tf.data.TFRecordDataset(shard).batch(self._rows).concatenate(end_of_shard)

        end_of_shard = tf.data.Dataset.from_tensors(tf.constant([], tf.string))
        # One dataset of all: of many small shards, what takes longest is to begin such a dataset.
        named = tf.data.Dataset.from_tensor_slices(list(shards))
        batches = iter(named.flat_map(batches_of).prefetch(1))
        for shard in shards:
            yield from self._frames(shard, itertools.takewhile(len, batches))

    def _frames(self, shard: str, batches: Iterator[tf.Tensor]) -> Iterator[episodes.FrameChunk]:
        """The frames of a shard whose records come in these batches."""
        decoder: decoding.FrameDecoder | None = None
        first_record = num_bytes = 0
        try:
            for records in batches:
                decoder = decoder or self._decoder(records[0].numpy())
                yield episodes.FrameChunk(shard, first_record, decoder(records))
                first_record += len(records)
                num_bytes += int(tf.reduce_sum(tf.strings.length(records) + _FRAMING_BYTES))
            # TensorFlow takes a file that ends within a record's header for a whole one.
            if num_bytes != os.path.getsize(shard):
                raise _truncated(shard, first_record)
        # TensorFlow's message may quote a record that is no text.
        except (tf.errors.OpError, UnicodeDecodeError) as error:
            raise self._diagnose(shard, error) from error
        if not first_record:
            raise DataError(f"{shard}: the file holds no record; remove it or write it anew.")

    def _decoder(self, first_record: bytes) -> decoding.FrameDecoder:
        """The decoder of the shard that begins with this record."""
        compressed = decoding.compressed_leaves(self._spec, first_record)
        if compressed not in self._decoders:
            self._decoders[compressed] = decoding.FrameDecoder(self._spec, compressed)
        return self._decoders[compressed]

    def _diagnose(self, shard: str, error: Exception) -> DataError:
        """Reads a bad shard again record by record, to say which record is bad and how."""
        decoder: decoding.FrameDecoder | None = None
        record = 0
        try:
            for data in tf.data.TFRecordDataset(shard).as_numpy_iterator():
                decoder = decoder or self._decoder(data)
                problem = decoder.explain(data)
                if problem:
                    return DataError(f"{shard}: record {record} {problem}; write the shard anew.")
                record += 1
        except tf.errors.NotFoundError:
            return DataError(f"{shard}: no such file; check the path.")
        except tf.errors.DataLossError as loss:
            if "truncated" in str(loss):
                return _truncated(shard, record)
            return DataError(
                f"{shard}: record {record} is corrupt: its checksum does not match; "
                "copy or write the shard anew."
            )
        except tf.errors.OpError as other:
            error = other
        reason = str(error).splitlines()[0]
        return DataError(f"{shard}: cannot be read at record {record} ({reason}).")


def _checked(
    chunks: Iterator[episodes.FrameChunk], spec: trajectory.Trajectory
) -> Iterator[episodes.FrameChunk]:
    for chunk in chunks:
        for problem in validation.find_problems(chunk.frames, spec):
            record = chunk.first_record + problem.row
            raise DataError(f"{chunk.shard}: record {record}: {problem.leaf} {problem.text}.")
        yield chunk


def _truncated(shard: str, record: int) -> DataError:
    return DataError(
        f"{shard}: record {record} is cut off: the file is truncated; copy or write it anew."
    )


def shard_name(shard: PathLike) -> str:
    """A shard's file name up to `.tfrecord`."""
    return pathlib.Path(shard).name.split(".tfrecord")[0]
