"""Converts the description of a dataset to and from messages."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import struct_pb2
from tf_agents.specs import tensor_spec

from data.episodes import dataset_statistics, specs
from ibc_agents.distributed.messaging import channels
from ibc_agents.runs import dataset_info as dataset_info_lib

_STATISTICS = [field.name for field in dataclasses.fields(dataset_statistics.LeafStatistics)]
# The fields of JSON types.
_SCALARS = ("name", "dataset_hash", "train_episodes", "validation_episodes")


def encode_dataset_info(dataset_info: dataset_info_lib.DatasetInfo) -> list[np.ndarray]:
    """Returns three arrays, uint8 [bytes]: scalar fields, spec and statistics."""
    spec = tensor_spec.to_proto(dataset_info.spec).SerializeToString()
    return [
        channels.encode_json({name: getattr(dataset_info, name) for name in _SCALARS}),
        np.frombuffer(spec, np.uint8),
        np.frombuffer(_pack(dataset_info.statistics), np.uint8),
    ]


def decode_dataset_info(message: Sequence[np.ndarray]) -> dataset_info_lib.DatasetInfo:
    """Returns the description of a message of `encode_dataset_info`."""
    scalars, packed_spec, packed_statistics = message
    proto = struct_pb2.StructuredValue.FromString(packed_spec.tobytes())
    spec = specs.as_trajectory_spec(tensor_spec.from_proto(proto))
    return dataset_info_lib.DatasetInfo(
        spec=spec,
        statistics=_unpack(packed_statistics.tobytes(), spec),
        **channels.decode_json(scalars),
    )


def _pack(statistics: dataset_statistics.Statistics) -> bytes:
    """Packs the float64 arrays of all leaves in the npz format."""
    leaves = tf.nest.flatten((statistics.observation, statistics.action))
    arrays = {
        f"{number}/{field}": getattr(leaf, field)
        for number, leaf in enumerate(leaves)
        if leaf is not None
        for field in _STATISTICS
    }
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _unpack(content: bytes, spec: Any) -> dataset_statistics.Statistics:
    parts = (spec.observation, spec.action)
    with np.load(io.BytesIO(content)) as arrays:
        leaves = [
            dataset_statistics.LeafStatistics(
                **{field: arrays[f"{number}/{field}"] for field in _STATISTICS}
            )
            if f"{number}/{_STATISTICS[0]}" in arrays
            else None
            for number in range(len(tf.nest.flatten(parts)))
        ]
    observation, action = tf.nest.pack_sequence_as(parts, leaves)
    return dataset_statistics.Statistics(observation, action)
