"""Transfers the variables of a policy from the learner to evaluators and actors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import reverb
import tensorflow as tf
from tf_agents.experimental.distributed import reverb_variable_container
from tf_agents.policies import tf_policy

from ibc_agents.distributed.messaging import channels

TABLE = reverb_variable_container.DEFAULT_TABLE
_POLICY = reverb_variable_container.POLICY_KEY
_STEP = reverb_variable_container.TRAIN_STEP_KEY


def create_table(policy: tf_policy.TFPolicy) -> reverb.Table:
    """Returns the table that the server needs for the variables of a policy."""
    variables = [tf.TensorSpec(v.shape, v.dtype) for v in policy.variables()]
    return channels.Broadcast.table(TABLE, {_POLICY: variables, _STEP: tf.TensorSpec([], tf.int64)})


def read_values(policy: tf_policy.TFPolicy) -> list[np.ndarray]:
    """Returns the values of a policy's variables, in their order."""
    return [variable.numpy() for variable in policy.variables()]


def push(address: str, values: Sequence[np.ndarray], step: int) -> None:
    """Publishes the variables of a policy in place of earlier ones.

    Args:
        address: `host:port` of the replay server.
        values: Values of the policy's variables, in their order.
        step: Train step of the policy.

    Raises:
        ServerUnreachable: If the server does not answer.
    """
    with channels.convert_connection_errors():
        container = reverb_variable_container.ReverbVariableContainer(address)
        container.push({_POLICY: list(values), _STEP: np.int64(step)})


def pull(address: str, policy: tf_policy.TFPolicy) -> int:
    """Assigns the newest published variables to a policy; waits until there are any.

    Args:
        address: `host:port` of the replay server.
        policy: Policy to update.

    Returns:
        The train step of the published policy.

    Raises:
        ServerUnreachable: If the server does not answer.
    """
    with channels.convert_connection_errors():
        container = reverb_variable_container.ReverbVariableContainer(address)
        pulled = container.pull()
    for variable, value in zip(policy.variables(), pulled[_POLICY], strict=True):
        variable.assign(value)
    return int(pulled[_STEP])
