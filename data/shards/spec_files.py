"""The spec file beside each shard, `SHARD.spec`."""

from __future__ import annotations

import os
from collections.abc import Sequence

import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import trajectory

from data.episodes import specs
from data.errors import DataError
from data.shards import record_files, shard_paths, spec_protos
from ibc_agents.core import files

# A spec with a bound for each pixel of an image has some megabytes.
_MAX_SPEC_BYTES = 64 << 20


def write_spec(shard: shard_paths.PathLike, spec: trajectory.Trajectory) -> None:
    """Writes the spec of a shard's frames.

    TF-Agents' `encode_spec_to_file` writes the same content, but not the same bytes each time.
    """
    proto = tensor_spec.to_proto(spec)
    with tf.io.TFRecordWriter(os.fspath(shard) + shard_paths.SPEC_SUFFIX) as writer:
        writer.write(proto.SerializeToString(deterministic=True))


def read_spec(shard: shard_paths.PathLike) -> trajectory.Trajectory:
    """Reads the spec of a shard's frames.

    Returns:
        Trajectory of `tf.TensorSpec` of one frame.

    Raises:
        DataError: If the file is missing or damaged, or does not describe a Trajectory.
    """
    path = _find_spec(shard)
    if path is None:
        raise DataError(
            f"{shard_paths.spec_paths(shard)[0]}: no such file. Copy the spec that TF-Agents or "
            "this project wrote with the shard; docs/datasets.md lists importers of other formats."
        )
    file = record_files.scan(path, _MAX_SPEC_BYTES)
    try:
        (content,) = file.records().take(1).as_numpy_iterator()
    except tf.errors.DataLossError as error:
        raise record_files.corrupt(path, 0) from error
    try:
        return specs.as_trajectory_spec(spec_protos.decode_spec(content))
    except DataError as error:
        raise DataError(
            f"{path}: {error}. Copy the spec that was written with the shard, or write both again."
        ) from error


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


def _find_spec(shard: shard_paths.PathLike) -> str | None:
    return next((path for path in shard_paths.spec_paths(shard) if os.path.lexists(path)), None)


def _spec_bytes(shard: str) -> bytes:
    """Returns the content of the spec file; empty if unreadable, which `read_spec` reports."""
    path = _find_spec(shard)
    try:
        return b"" if path is None else files.read_bytes(path, _MAX_SPEC_BYTES)
    except OSError:
        return b""
