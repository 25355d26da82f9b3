"""A group of learners that train synchronously, each on its part of every batch."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
from tf_agents.agents import tf_agent

from data.sources import server_port
from ibc_agents.core import errors
from ibc_agents.distributed.processes import ports


class LearnerGroup:
    """The learners of a job and the collective operations among them.

    All learners run the same operations in the same order. The first one is the chief, whose
    checkpoints and files are kept. A single learner is a group of one.

    Attributes:
        strategy: Strategy to create and train the agent in.
        count: Number of learners.
        is_chief: Whether this learner is the first.
    """

    def __init__(self, addresses: Sequence[str], index: int, public: bool) -> None:
        """Waits until all learners have started; TensorFlow must not have run an op before.

        Args:
            addresses: `host:port` of each learner, of which this one listens on its own; empty or
                one address for a single learner.
            index: Index of this learner.
            public: Whether other machines may connect to this learner.

        Raises:
            RunError: If there is no address for the index, or its port is in use.
        """
        self.count = max(1, len(addresses))
        self.is_chief = index == 0
        if index >= self.count:
            raise errors.RunError(
                f"--index={index} requires at least {index + 1} --learner_addresses, got "
                f"{len(addresses)}"
            )
        if self.count == 1:
            self.strategy = tf.distribute.get_strategy()
            return
        with server_port.ServerPort(ports.parse_port(addresses[index]), public).hand_over():
            self.strategy = tf.distribute.MultiWorkerMirroredStrategy(
                tf.distribute.cluster_resolver.SimpleClusterResolver(
                    tf.train.ClusterSpec({"worker": list(addresses)}),
                    task_type="worker",
                    task_id=index,
                    rpc_layer="grpc",
                )
            )

    def local_batch_size(self, batch_size: int) -> int:
        """Returns the number of examples of a batch that each learner takes.

        Raises:
            RunError: If the batch cannot be divided equally.
        """
        if batch_size % self.count:
            raise errors.RunError(
                f"TrainingSettings.batch_size is {batch_size}. Set it to a multiple of the "
                f"{self.count} learners."
            )
        return batch_size // self.count

    def any(self, condition: bool) -> bool:
        """Returns whether a condition holds in any learner; waits for all learners."""
        return bool(self._sum(tf.constant(float(condition))) > 0)

    def broadcast_from_chief(self, agent: tf_agent.TFAgent) -> None:
        """Copies all variables of the chief's agent to the agents of the other learners.

        Args:
            agent: Agent with all variables, those of the optimizer and the step included.
        """
        root = tf.train.Checkpoint(agent=agent)
        for variable in tf.train.TrackableView(root).descendants():
            if isinstance(variable, tf.Variable):
                value = variable.read_value()
                variable.assign(self._sum(value if self.is_chief else tf.zeros_like(value)))

    def _sum(self, value: tf.Tensor) -> tf.Tensor:
        values = self.strategy.experimental_distribute_values_from_function(lambda _: value)
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)
