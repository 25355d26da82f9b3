"""Spec files: what TF-Agents writes is read, and nothing that a damaged one claims is allocated."""

import os

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import struct_pb2
from tf_agents.specs import tensor_spec
from tf_agents.utils import example_encoding_dataset

import data
from data.episodes import specs
from data.shards import spec_files, spec_protos


@pytest.fixture
def shard(tmp_path, make_spec):
    """A shard of which only the spec file exists."""
    path = os.fspath(tmp_path / "a.tfrecord")
    spec_files.write_spec(path, make_spec())
    return path


@pytest.mark.parametrize("dtype", specs.STORABLE_DTYPES)
@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), ([0, 1, 2], [3, 4, 5]), (0, [1, 2, 3]), ([0, 0, 0], 7)]
)
def test_decodes_bounds_as_tf_agents_does(dtype, low, high):
    low, high = (np.array(bound, dtype.as_numpy_dtype) for bound in (low, high))
    proto = tensor_spec.to_proto(tensor_spec.BoundedTensorSpec([3], dtype, low, high, "x"))
    assert spec_protos.decode_spec(proto.SerializeToString()) == tensor_spec.from_proto(proto)


def test_decodes_nests_as_tf_agents_does(make_spec):
    spec = make_spec((4, 4, 3))._replace(policy_info=[{"a": (tf.TensorSpec([], tf.int8),)}, ()])
    proto = tensor_spec.to_proto(spec)
    decoded = spec_protos.decode_spec(proto.SerializeToString())
    # Lists become tuples, because `tf.data` takes a list for a tensor.
    assert specs.as_trajectory_spec(decoded) == spec._replace(policy_info=tuple(spec.policy_info))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.tfrecord.spec: the file contains no record"),
        (b"garbage", "a.tfrecord.spec: record 0 is cut off"),
        (b"\0" * 32, "a.tfrecord.spec: record 0 is corrupt"),
    ],
)
def test_reports_damage(shard, content, message):
    with open(shard + ".spec", "wb") as file:
        file.write(content)
    with pytest.raises(data.DataError, match=message):
        data.read_spec(shard)


def test_reports_what_is_no_spec(shard):
    with tf.io.TFRecordWriter(shard + ".spec") as writer:
        writer.write(b"\xff\xff\xff")
    with pytest.raises(data.DataError, match="a.tfrecord.spec: it is not a message of TensorFlow"):
        data.read_spec(shard)


def test_rejects_a_spec_that_is_not_a_trajectory(shard):
    example_encoding_dataset.encode_spec_to_file(shard + ".spec", {"a": tf.TensorSpec([])})
    with pytest.raises(data.DataError, match=r"a.tfrecord.spec: the spec is a dict, not a Traj"):
        data.read_spec(shard)


def _field(proto, name):
    """Returns the message of a field of the Trajectory."""
    (pair,) = [pair for pair in proto.named_tuple_value.values if pair.key == name]
    return pair.value


def _claim_shape(size):
    def change(proto):
        leaf = _field(proto, "action").bounded_tensor_spec_value
        for shape in (leaf.shape, leaf.minimum.tensor_shape, leaf.maximum.tensor_shape):
            shape.dim.add(size=size)
            del shape.dim[:-1]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_claim_shape(2**31), "the spec/action has damaged bounds"),
        (_claim_shape(2**40), "the spec/action has damaged bounds"),
        (
            lambda p: _field(p, "reward").tensor_spec_value.shape.dim.add(size=2**40),
            "describes frames of",
        ),
        (lambda p: _field(p, "reward").tensor_spec_value.shape.dim.add(size=-1), "is not fixed"),
        (lambda p: _field(p, "reward").tensor_spec_value.shape.dim.add(size=0), "is not fixed"),
        (
            lambda p: [
                _field(p, "reward").tensor_spec_value.shape.dim.add(size=1) for _ in range(40)
            ],
            "has 40 dimensions, more than 16",
        ),
        (lambda p: setattr(_field(p, "reward").tensor_spec_value, "dtype", 7), "dtype number 7"),
        (
            lambda p: setattr(_field(p, "reward").tensor_spec_value, "dtype", 999),
            "dtype number 999",
        ),
        (lambda p: setattr(_field(p, "reward"), "int64_value", 3), "spec/reward is int64_value"),
        (lambda p: _field(p, "reward").Clear(), "the spec/reward is empty"),
        (lambda p: _field(p, "action").list_value.SetInParent(), "the spec has no action"),
        (
            lambda p: setattr(p.named_tuple_value, "name", "no name"),
            "the spec is a named tuple of invalid names",
        ),
        (lambda p: setattr(p.named_tuple_value.values[0], "key", "rewards"), "not a Trajectory"),
        (
            lambda p: _field(p, "action").bounded_tensor_spec_value.minimum.float_val.__setitem__(
                0, np.nan
            ),
            r"the bounds of action\[0\] are nan and 1",
        ),
        (
            lambda p: _field(p, "action").bounded_tensor_spec_value.minimum.float_val.__setitem__(
                0, 1.5
            ),
            r"the bounds of action\[0\] are 1.5 and 1; .* must not exceed",
        ),
    ],
)
def test_rejects_what_no_frame_can_be(shard, make_spec, change, message):
    proto = struct_pb2.StructuredValue.FromString(
        tensor_spec.to_proto(make_spec()).SerializeToString()
    )
    change(proto)
    with tf.io.TFRecordWriter(shard + ".spec") as writer:
        writer.write(proto.SerializeToString())
    with pytest.raises(data.DataError, match=f"a.tfrecord.spec: .*{message}"):
        data.read_spec(shard)


def test_rejects_two_leaves_of_one_path(shard, make_spec):
    observation = {"a/b": tf.TensorSpec([], tf.float32), "a": {"b": tf.TensorSpec([], tf.float32)}}
    spec_files.write_spec(shard, make_spec()._replace(observation=observation))
    with pytest.raises(
        data.DataError, match="a.tfrecord.spec: the spec has two leaves of one path"
    ):
        data.read_spec(shard)
