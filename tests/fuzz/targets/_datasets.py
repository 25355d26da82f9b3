"""Small datasets, and damage of what their files contain under matching checksums."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable

import numpy as np
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import trajectory

import data
from data.shards import record_files
from tests.fuzz import mutations

LENGTHS = (4, 2, 3)
# Lengths of records for which no reader may allocate memory.
_CLAIMED_BYTES = (10**6, 2**31, 2**33, 2**40, 2**50, 2**64 - 1)
# A file beside a damaged one whose checksums match, so that no reader can know of the damage.
HAS_MATCHING_CHECKSUMS = "has_matching_checksums"


def make_spec() -> trajectory.Trajectory:
    """Returns a spec with a leaf of each kind of storage: numbers, bytes, an image, bounds."""
    return trajectory.Trajectory(
        step_type=tf.TensorSpec([], tf.int32),
        observation={
            "counter": tf.TensorSpec([], tf.int64),
            "image": tf.TensorSpec([2, 3, 3], tf.uint8),
            "position": tf.TensorSpec([2], tf.float32),
        },
        action=tensor_spec.BoundedTensorSpec([2], tf.float32, minimum=-1.0, maximum=[1.0, 2.0]),
        policy_info=(),
        next_step_type=tf.TensorSpec([], tf.int32),
        reward=tf.TensorSpec([], tf.float32),
        discount=tf.TensorSpec([], tf.float32),
    )


def make_episode(number: int) -> data.Episode:
    """Returns the same episode for the same number."""
    generator, length = np.random.default_rng(number), LENGTHS[number % len(LENGTHS)]
    step_type = np.ones(length, np.int32)
    step_type[0], step_type[-1] = 0, 2
    return data.Episode(
        trajectory.Trajectory(
            step_type=step_type,
            observation={
                "counter": np.arange(length) + 1000 * number,
                "image": generator.integers(0, 256, [length, 2, 3, 3]).astype(np.uint8),
                "position": generator.normal(size=[length, 2]).astype(np.float32),
            },
            action=generator.uniform(-1, 1, size=[length, 2]).astype(np.float32),
            policy_info=(),
            next_step_type=np.append(step_type[1:], [0]).astype(np.int32),
            reward=generator.normal(size=length).astype(np.float32),
            discount=np.ones(length, np.float32),
        )
    )


def write_dataset(folder: pathlib.Path) -> None:
    """Writes a dataset folder of three episodes in two shards, with PNG images."""
    with data.EpisodeWriter(folder, make_spec(), num_shards=2, image_format="png") as writer:
        for number in range(len(LENGTHS)):
            writer.write(make_episode(number))


def read_records(path: pathlib.Path) -> list[bytes]:
    """Returns the records of an undamaged file."""
    return list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())


def write_records(path: pathlib.Path, records: Iterable[bytes]) -> None:
    """Writes records with matching checksums."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def damage_record(path: pathlib.Path, generator: np.random.Generator) -> str:
    """Damages a file of records so that its checksums match."""
    records = read_records(path)
    at, other = (int(generator.integers(len(records))) for _ in range(2))
    kind = mutations.choose(
        generator, ("content", "content", "content", "claim", "delete", "swap", "repeat")
    )
    description = f"{kind} record {at}"
    if kind == "content":
        records[at], damage = mutations.damage_bytes(records[at], generator)
        description += f": {damage}"
    elif kind == "claim":
        write_records(path, records[:at])
        header = mutations.choose(generator, _CLAIMED_BYTES).to_bytes(8, "little")
        checksum = record_files.masked_crc32c(header).to_bytes(4, "little")
        path.write_bytes(path.read_bytes() + header + checksum + records[at])
        return description
    elif kind == "delete":
        del records[at]
    elif kind == "swap":
        records[at], records[other] = records[other], records[at]
    else:
        records.insert(other, records[at])
    write_records(path, records)
    return description
