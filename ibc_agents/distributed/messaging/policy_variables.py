"""Transfers the variables of a policy from the learner to evaluators and actors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import reverb
import tensorflow as tf
from tf_agents.experimental.distributed import reverb_variable_container
from tf_agents.policies import tf_policy

from ibc_agents.distributed.messaging import channels, sealing

TABLE = reverb_variable_container.DEFAULT_TABLE
_POLICY = reverb_variable_container.POLICY_KEY
_STEP = reverb_variable_container.TRAIN_STEP_KEY
_PUBLISHER = "publisher"
_DIGEST = "digest"
_DIGEST_SPEC = tf.TensorSpec([32], tf.uint8)


def create_table(policy: tf_policy.TFPolicy) -> reverb.Table:
    """Returns the table that the server needs for the variables of a policy."""
    variables = [tf.TensorSpec(v.shape, v.dtype) for v in policy.variables()]
    return channels.Broadcast.table(
        TABLE,
        {
            _POLICY: variables,
            _STEP: tf.TensorSpec([], tf.int64),
            _PUBLISHER: _DIGEST_SPEC,
            _DIGEST: _DIGEST_SPEC,
        },
    )


def read_values(policy: tf_policy.TFPolicy) -> list[np.ndarray]:
    """Returns the values of a policy's variables, in their order."""
    return [variable.numpy() for variable in policy.variables()]


def push(address: str, publisher: str, values: Sequence[np.ndarray], step: int) -> None:
    """Publishes the variables of a policy in place of earlier ones.

    Args:
        address: `host:port` of the replay server.
        publisher: Unique name of the learner.
        values: Values of the policy's variables, in their order.
        step: Train step of the policy.

    Raises:
        ServerUnreachable: If the server does not answer.
    """
    content = [_hash(publisher), np.asarray(step, np.int64), *values]
    with channels.convert_connection_errors():
        container = reverb_variable_container.ReverbVariableContainer(address)
        container.push(
            {
                _POLICY: list(values),
                _STEP: content[1],
                _PUBLISHER: content[0],
                _DIGEST: np.frombuffer(sealing.digest(content), np.uint8),
            }
        )


def pull(address: str, policy: tf_policy.TFPolicy, publisher: str | None = None) -> int | None:
    """Assigns the newest published variables to a policy; waits until there are any.

    Args:
        address: `host:port` of the replay server.
        policy: Policy to update.
        publisher: Unique name of the learner whose policy is wanted; None for any.

    Returns:
        The train step of the published policy. None, with the policy unchanged, if another program
        or learner has published it.

    Raises:
        ServerUnreachable: If the server does not answer.
    """
    with channels.convert_connection_errors():
        container = reverb_variable_container.ReverbVariableContainer(address)
        pulled = container.pull()
    sealed = [pulled[_PUBLISHER], pulled[_STEP], *pulled[_POLICY], pulled[_DIGEST]]
    try:
        owner, step, *values = sealing.unseal([np.asarray(tensor) for tensor in sealed])
    except sealing.ForeignMessage:
        return None
    if publisher is not None and owner.tobytes() != _hash(publisher).tobytes():
        return None
    for variable, value in zip(policy.variables(), values, strict=True):
        variable.assign(value)
    return int(step)


def _hash(publisher: str) -> np.ndarray:
    """Returns a name as an array of fixed length, uint8 [32]."""
    return np.frombuffer(hashlib.sha256(publisher.encode()).digest(), np.uint8)
