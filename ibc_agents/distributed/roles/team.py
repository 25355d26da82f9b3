"""Learners that take every step together, each with its share of the batch."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
from tf_agents.agents import tf_agent

from ibc_agents.core import errors
from ibc_agents.distributed.processes import listening


class Team:
    """The learners of a job, as each of them sees it; one alone is a team too.

    All of them do the same in the same order. The first, the chief, is the one whose checkpoint
    counts and who speaks for the job.

    Attributes:
        strategy: that the agent is built, and trained, under.
        count: of learners.
        is_chief: whether this is the first.
    """

    def __init__(self, addresses: Sequence[str], index: int, public: bool) -> None:
        """Waits until all are there; TensorFlow must not have run anything before.

        Args:
            addresses: `host:port` of each learner; this one listens at its own port. None or one
                where it is alone.
            index: of this one.
            public: whether other machines may connect.

        Raises:
            RunError: if there is no such address, or its port is taken.
        """
        self.count = max(1, len(addresses))
        self.is_chief = index == 0
        if index >= self.count:
            raise errors.RunError(
                f"--index={index} needs {index + 1} addresses in --learner_addresses."
            )
        if self.count == 1:
            self.strategy = tf.distribute.get_strategy()
            return
        port = listening.port_of(addresses[index])
        listening.check_free(port)
        self.strategy = tf.distribute.MultiWorkerMirroredStrategy(
            tf.distribute.cluster_resolver.SimpleClusterResolver(
                tf.train.ClusterSpec({"worker": list(addresses)}),
                task_type="worker",
                task_id=index,
                rpc_layer="grpc",
            )
        )
        if not public:
            listening.keep_local(port)

    def share_of(self, batch_size: int) -> int:
        """Returns how many of a batch's examples each learner takes.

        Raises:
            RunError: if they cannot be shared equally.
        """
        if batch_size % self.count:
            raise errors.RunError(
                f"{self.count} learners cannot share batches of {batch_size} equally; set "
                "TrainingSettings.batch_size to a multiple."
            )
        return batch_size // self.count

    def any(self, condition: bool) -> bool:
        """Returns whether it holds for any learner; waits until all have asked."""
        return bool(self._sum(tf.constant(float(condition))) > 0)

    def follow_chief(self, agent: tf_agent.TFAgent) -> None:
        """Gives all learners the chief's variables, those of optimiser and step included.

        Args:
            agent: with all its variables.
        """
        root = tf.train.Checkpoint(agent=agent)
        for found in tf.train.TrackableView(root).descendants():
            if isinstance(found, tf.Variable):
                value = found.read_value()
                found.assign(self._sum(value if self.is_chief else tf.zeros_like(value)))

    def _sum(self, value: tf.Tensor) -> tf.Tensor:
        values = self.strategy.experimental_distribute_values_from_function(lambda _: value)
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)
