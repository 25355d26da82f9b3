"""The spec file beside each shard, `SHARD.spec`."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

import tensorflow as tf
from google.protobuf import message
from tensorflow.core.protobuf import struct_pb2
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import trajectory

from data.episodes import specs
from data.errors import DataError
from data.shards import shard_paths


def write_spec(shard: shard_paths.PathLike, spec: trajectory.Trajectory) -> None:
    """Writes the spec of a shard's frames.

    TF-Agents' `encode_spec_to_file` writes the same content, but not the same bytes each time.
    """
    proto = tensor_spec.to_proto(spec)
    with tf.io.TFRecordWriter(_spec_path(shard)) as writer:
        writer.write(proto.SerializeToString(deterministic=True))


def read_spec(shard: shard_paths.PathLike) -> trajectory.Trajectory:
    """Reads the spec of a shard's frames.

    Returns:
        Trajectory of `tf.TensorSpec` of one frame.

    Raises:
        DataError: If the file is missing or damaged, or does not describe a Trajectory.
    """
    path = _spec_path(shard)
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
        raise DataError(f"{path}: {error}. Write the shard again.") from error


def read_common_spec(shards: Sequence[str]) -> trajectory.Trajectory:
    """Reads the one spec that all shards share.

    Raises:
        DataError: If a spec cannot be read, or two shards differ.
    """
    first = read_spec(shards[0])
    # Usually the files are equal, and comparing bytes is a hundred times faster than parsing.
    equal = {_spec_bytes(shards[0])}
    for shard in shards[1:]:
        if (content := _spec_bytes(shard)) in equal:
            continue
        difference = specs.difference(first, read_spec(shard))
        equal.add(content)
        if difference:
            raise DataError(
                f"{shard}: its spec differs from that of {shards[0]}: {difference}. Read the two "
                "separately."
            )
    return first


def _spec_path(shard: shard_paths.PathLike) -> str:
    return os.fspath(shard) + shard_paths.SPEC_SUFFIX


def _spec_bytes(shard: str) -> bytes:
    """Returns the content of the spec file; empty if unreadable, which `read_spec` reports."""
    try:
        return pathlib.Path(_spec_path(shard)).read_bytes()
    except OSError:
        return b""
