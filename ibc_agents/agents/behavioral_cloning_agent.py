"""The base class of all agents."""

from __future__ import annotations

import abc
from collections.abc import Iterable
from typing import Any

import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from ibc_agents.agents.training import experience as experience_lib
from ibc_agents.agents.training import guarded_update, replicas
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import stateless_random
from ibc_agents.policies import window_policy

EXAMPLE_LOSSES = "example_losses"


class BehavioralCloningAgent(tf_agent.TFAgent, abc.ABC):
    """Learns the newest action of a window of demonstrations, by supervised learning.

    The agent takes a `Trajectory` ``[B, T, …]`` in the environment's own units from any replay
    buffer, and repairs windows that cross episodes (`experience.repair_window`). All randomness is
    a function of `seed` and the train step. A step whose loss, gradients or updated weights are not
    finite is skipped and counted (`guarded_update`).

    Subclasses implement `_example_losses`. `LossInfo.extra` is a dict of the reported scalars, and
    of the loss of each window ``[B]`` under `EXAMPLE_LOSSES`, for sources that use it.

    Attributes:
        memorizes: Whether the agent learns by `memorize` instead of training on batches.
    """

    memorizes: bool = False

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: Any,
        policy: window_policy.WindowPolicy,
        normalizer: normalizer_lib.Normalizer,
        optimizer: tf.keras.optimizers.Optimizer,
        window: int,
        trained: list[tf.Module],
        seed: int = 0,
        train_step_counter: tf.Variable | None = None,
    ):
        """Creates the agent; its networks must have their variables already.

        Args:
            time_step_spec: Time step spec of the unwrapped environment.
            action_spec: Action spec of the unwrapped environment.
            policy: Used for acting and collecting.
            normalizer: Shared with the policy.
            optimizer: A Keras optimizer.
            window: T, frames of observation; also `train_sequence_length`.
            trained: Modules whose trainable variables are learned.
            seed: Seed of all randomness in training.
            train_step_counter: Int64 variable; by default TF-Agents' global step.
        """
        self._normalizer = normalizer
        self._trained = trained
        self._update = guarded_update.GuardedUpdate(optimizer)
        self._seed = seed
        super().__init__(
            time_step_spec,
            action_spec,
            policy=policy,
            collect_policy=policy,
            train_sequence_length=window,
            train_step_counter=train_step_counter,
        )

    @property
    def normalizer(self) -> normalizer_lib.Normalizer:
        """The normalizer that the agent and its policies share."""
        return self._normalizer

    @property
    def skipped_steps(self) -> tf.Variable:
        """Int64: steps skipped because a loss, gradient or updated weight was not finite."""
        return self._update.skipped

    @property
    def skipped_steps_in_a_row(self) -> tf.Variable:
        """Int64: steps skipped since the last one that was applied."""
        return self._update.skipped_in_a_row

    def has_finite_optimizer_state(self) -> bool:
        """Returns whether the whole state of the optimizer is finite."""
        return self._update.has_finite_state()

    def memorize(self, windows: Iterable[trajectory.Trajectory]) -> None:
        """Receives the training demonstrations once, before training.

        Agents that learn by gradients do not iterate over them; others override this method.

        Args:
            windows: Batches ``[B, T, …]`` of any size, as `train` takes them; every window once,
                in order.
        """
        del windows

    def validate(self, experience: trajectory.Trajectory) -> tf_agent.LossInfo:
        """Returns the loss of held-out experience ``[B, T, …]``, with the `gradient_norm`."""
        loss_info, gradients = self._differentiate(experience, None, training=False)
        norm = guarded_update.global_norm(gradients)
        return loss_info._replace(extra={**_scalars(loss_info), "gradient_norm": norm})

    @abc.abstractmethod
    def _example_losses(
        self, observation: Any, action: tf.Tensor, seed: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Computes the loss of each example.

        Args:
            observation: Normalized window, a nest of ``[B, T, …]``.
            action: The demonstrated action, scaled, ``[B, A]``.
            seed: Int32 ``[2]``.
            training: As in Keras.

        Returns:
            Losses ``[B]``, and a dict of values to report ``[B]``.
        """

    def _initialize(self):
        self._update.build(self._variables())

    def _loss(self, experience, weights=None, training=False):
        observation, action, executed = self._examples(experience)
        seed = stateless_random.as_seed(self._seed, self.train_step_counter)
        losses, report = self._example_losses(
            observation, action, replicas.seed_of_replica(seed), training
        )
        if weights is not None:
            weights = tf.convert_to_tensor(weights)
            experience_lib.check_weights(weights, losses.shape[0])
            losses *= tf.cast(weights, tf.float32)
        # This replica's share of the mean; the Learner and the sum of gradients add the shares.
        count = replicas.sum_over_replicas(tf.reduce_sum(executed))
        extra = {key: replicas.masked_mean(report[key], executed, count) for key in report}
        extra[EXAMPLE_LOSSES] = tf.where(executed > 0, losses, 0.0)
        return tf_agent.LossInfo(replicas.masked_mean(losses, executed, count), extra)

    def _examples(self, experience: trajectory.Trajectory) -> tuple[Any, tf.Tensor, tf.Tensor]:
        """Checks experience and converts it to examples.

        Args:
            experience: ``[B, T, …]``, in the environment's own units.

        Returns:
            The normalized windows, a nest of ``[B, T, …]``; the scaled actions to learn ``[B, A]``;
            and whether each was executed, float32 ``[B]``, 0 or 1.
        """
        experience_lib.check_experience(
            experience, self.training_data_spec, self.train_sequence_length
        )
        window, executed = experience_lib.repair_window(experience)
        newest_action = tf.nest.map_structure(lambda leaf: leaf[:, -1], experience.action)
        scaled = self._normalizer.scale_action(newest_action)
        # An action that was never executed may be anything, and 0 · inf is not 0.
        action = tf.where(executed[:, None] > 0, scaled, 0.0)
        return self._normalizer.normalize_observation(window), action, executed

    def _train(self, experience, weights=None):
        loss_info, gradients = self._differentiate(experience, weights, training=True)
        norm = self._update(loss_info.loss, gradients, self._variables())
        self._summarize(loss_info, norm)
        self.train_step_counter.assign_add(1)
        return loss_info

    def _differentiate(self, experience, weights, training):
        """Returns the loss and its gradients, this replica's share of both."""
        with tf.GradientTape() as tape:
            loss_info = self._loss(experience, weights, training)
        zero = tf.UnconnectedGradients.ZERO
        return loss_info, tape.gradient(
            loss_info.loss, self._variables(), unconnected_gradients=zero
        )

    def _summarize(self, loss_info, gradient_norm):
        scalars = {
            **replicas.sum_over_replicas({"loss": loss_info.loss, **_scalars(loss_info)}),
            "gradient_norm": gradient_norm,
            "skipped_steps": self._update.skipped,
        }
        # Without it the Learner's loop would prefix the tags of all steps but a call's first.
        with tf.name_scope(""):
            for name, value in scalars.items():
                tf.summary.scalar(name, value, step=self.train_step_counter)

    def _variables(self) -> list[tf.Variable]:
        return [variable for module in self._trained for variable in module.trainable_variables]


def _scalars(loss_info: tf_agent.LossInfo) -> dict[str, tf.Tensor]:
    return {name: value for name, value in loss_info.extra.items() if name != EXAMPLE_LOSSES}
