"""Decodes the protocol buffer in a spec file, without trusting what it claims.

TensorFlow's decoder fills arrays of whatever shape the message claims, constructs types that
frames do not consist of, and ends with many kinds of errors.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import message
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2
from tensorflow.core.protobuf import struct_pb2
from tf_agents.specs import tensor_spec

from data.episodes import specs
from data.errors import DataError

# Fields of a message that list the elements of an array; of the other dtypes it is int_val.
_VALUE_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int64: "int64_val",
    tf.half: "half_val",
}


def decode_spec(content: bytes) -> Any:
    """Decodes a nest of tensor specs.

    Args:
        content: A serialized `StructuredValue`, as `tensor_spec.to_proto` makes it.

    Returns:
        Nest of dicts, lists, tuples and named tuples of `tf.TensorSpec`.

    Raises:
        DataError: If it is damaged, or contains anything else. The message is a clause.
    """
    try:
        proto = struct_pb2.StructuredValue.FromString(content)
    except message.DecodeError as error:
        raise DataError("it is not a message of TensorFlow's StructuredValue") from error
    return _decode(proto, "the spec")


def _decode(value: struct_pb2.StructuredValue, name: str) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "tensor_spec_value":
        return _decode_leaf(value.tensor_spec_value, name)
    if kind == "bounded_tensor_spec_value":
        return _decode_bounded_leaf(value.bounded_tensor_spec_value, name)
    if kind == "list_value":
        return _decode_all(value.list_value.values, name)
    if kind == "tuple_value":
        return tuple(_decode_all(value.tuple_value.values, name))
    if kind == "dict_value":
        fields = value.dict_value.fields
        return {key: _decode(fields[key], f"{name}/{key}") for key in sorted(fields)}
    if kind == "named_tuple_value":
        return _decode_named_tuple(value.named_tuple_value, name)
    raise DataError(f"{name} is {kind or 'empty'}; it must be a tensor spec or a nest of them")


def _decode_all(values: Sequence[struct_pb2.StructuredValue], name: str) -> list[Any]:
    return [_decode(value, f"{name}/{number}") for number, value in enumerate(values)]


def _decode_named_tuple(value: struct_pb2.NamedTupleValue, name: str) -> Any:
    fields = [pair.key for pair in value.values]
    try:
        kind = collections.namedtuple(value.name, fields)  # type: ignore[misc]
    except ValueError as error:
        raise DataError(f"{name} is a named tuple of invalid names ({error})") from error
    return kind(*(_decode(pair.value, f"{name}/{pair.key}") for pair in value.values))


def _decode_leaf(proto: struct_pb2.TensorSpecProto, name: str) -> tf.TensorSpec:
    shape, dtype = _decode_shape(proto.shape, name), _decode_dtype(proto.dtype, name)
    return tf.TensorSpec(shape, dtype, proto.name or None)


def _decode_bounded_leaf(
    proto: struct_pb2.BoundedTensorSpecProto, name: str
) -> tensor_spec.BoundedTensorSpec:
    shape, dtype = _decode_shape(proto.shape, name), _decode_dtype(proto.dtype, name)
    low, high = (_decode_array(bound, name) for bound in (proto.minimum, proto.maximum))
    for bound in (low, high):
        if bound.dtype != dtype.as_numpy_dtype or bound.shape not in ((), tuple(shape)):
            raise DataError(
                f"{name} is {dtype.name} {shape} and has bounds of {bound.dtype} {bound.shape}"
            )
    return tensor_spec.BoundedTensorSpec(shape, dtype, low, high, proto.name or None)


def _decode_shape(proto: tensor_shape_pb2.TensorShapeProto, name: str) -> list[int]:
    shape = [dimension.size for dimension in proto.dim]
    if proto.unknown_rank or min(shape, default=1) < 1:
        raise DataError(f"{name} has a shape that is not fixed")
    return shape


def _decode_dtype(number: int, name: str) -> tf.DType:
    """Returns a dtype that a record can store."""
    known = {dtype.as_datatype_enum: dtype for dtype in specs.STORABLE_DTYPES}
    if number not in known:
        raise DataError(f"{name} has dtype number {number} of TensorFlow, which cannot be stored")
    return known[number]


def _decode_array(proto: tensor_pb2.TensorProto, name: str) -> np.ndarray:
    """Returns an array of which the message contains each element.

    TensorFlow also accepts fewer elements than the shape claims, and repeats the last one.
    """
    shape, dtype = _decode_shape(proto.tensor_shape, name), _decode_dtype(proto.dtype, name)
    if proto.tensor_content:
        stored = np.frombuffer(proto.tensor_content, np.uint8)
        is_complete = len(stored) == math.prod(shape) * dtype.size
        stored = stored.view(dtype.as_numpy_dtype) if is_complete else stored
    else:
        values = np.array(getattr(proto, _VALUE_FIELDS.get(dtype, "int_val")))
        stored = values.astype(np.uint16 if dtype == tf.half else dtype.as_numpy_dtype)
        is_same = np.array_equal(stored, values, equal_nan=True)
        is_complete = is_same and len(stored) == math.prod(shape)
        stored = stored.view(np.float16) if dtype == tf.half else stored
    if not is_complete:
        raise DataError(f"{name} has damaged bounds")
    return stored.reshape(shape)
