"""A policy's variables on their way from the learner to those who act."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import reverb
import tensorflow as tf
from tf_agents.experimental.distributed import reverb_variable_container
from tf_agents.policies import tf_policy

from ibc_agents.distributed.messaging import messages

TABLE = reverb_variable_container.DEFAULT_TABLE
_POLICY = reverb_variable_container.POLICY_KEY
_STEP = reverb_variable_container.TRAIN_STEP_KEY


def table(policy: tf_policy.TFPolicy) -> reverb.Table:
    """What a server must have for the variables of such a policy."""
    policy_variables = [tf.TensorSpec(v.shape, v.dtype) for v in policy.variables()]
    return reverb.Table(
        name=TABLE,
        sampler=reverb.selectors.Lifo(),
        remover=reverb.selectors.Fifo(),
        max_size=1,
        rate_limiter=reverb.rate_limiters.MinSize(1),
        signature={_POLICY: policy_variables, _STEP: tf.TensorSpec([], tf.int64)},
    )


def push(address: str, values: Sequence[np.ndarray], step: int) -> None:
    """Replaces the variables that everybody pulls.

    Args:
        address: `host:port` of the replay server.
        values: of the policy's variables, in their order.
        step: train step they are of.

    Raises:
        Unreachable: the server has gone.
    """
    with messages.reaching():
        container = reverb_variable_container.ReverbVariableContainer(address)
        container.push({_POLICY: list(values), _STEP: np.int64(step)})


def pull(address: str, policy: tf_policy.TFPolicy) -> int:
    """Sets a policy's variables to the newest that were pushed; waits until there are any.

    Args:
        address: `host:port` of the replay server.
        policy: of the job.

    Returns:
        The train step they are of.

    Raises:
        Unreachable: the server has gone.
    """
    with messages.reaching():
        container = reverb_variable_container.ReverbVariableContainer(address)
        pulled = container.pull()
    for variable, value in zip(policy.variables(), pulled[_POLICY], strict=True):
        variable.assign(value)
    return int(pulled[_STEP])
