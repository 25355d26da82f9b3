"""Who acts where episodes are gathered: a policy, or policy and demonstrator together."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts
from tf_agents.utils import common

from ibc_agents.rollouts import episode_loop


class PolicyPlayer:
    """A policy of this library, as whoever acts in a vector environment."""

    def __init__(self, policy: tf_policy.TFPolicy, generator: np.random.Generator):
        """Traces nothing yet.

        Args:
            policy: whose variables may change between two waves.
            generator: of the policy's seeds.
        """
        self._policy = policy
        self._generator = generator
        self._action = common.function(policy.action)

    def get_initial_state(self, batch_size: int) -> Any:
        """Returns the policy's state with a new seed in each of so many rows."""
        state = self._policy.get_initial_state(batch_size)
        words = self._generator.integers(2**32, size=(batch_size, 2), dtype=np.uint32)
        return {**state, "seed": tf.constant(words.view(np.int32))}

    def action(self, time_step: ts.TimeStep, policy_state: Any) -> policy_step.PolicyStep:
        """Returns the policy's actions, arrays [B, …]."""
        step = self._action(tf.nest.map_structure(tf.constant, time_step), policy_state)
        return step._replace(action=tf.nest.map_structure(lambda leaf: leaf.numpy(), step.action))


class MixedPlayer:
    """Policy and demonstrator side by side; who acts is drawn for each episode.

    Its `action` is what is to be recorded, `executed` tells what is to be done. The two differ
    where the demonstrator says what it would have done in the policy's place (DAgger; Ross, Gordon
    and Bagnell, 2011).
    """

    def __init__(
        self,
        policy: episode_loop.Player,
        demonstrator: episode_loop.Player,
        demonstrator_share: float,
        relabel: bool,
        generator: np.random.Generator,
    ):
        """Puts the two together.

        Args:
            policy: acts in the other episodes.
            demonstrator: of the same environment.
            demonstrator_share: of the episodes that the demonstrator acts in, in [0, 1].
            relabel: whether its actions are recorded in all episodes.
            generator: of who acts.
        """
        self._policy = policy
        self._demonstrator = demonstrator
        self._share = demonstrator_share
        self._relabel = relabel
        self._generator = generator

    def get_initial_state(self, batch_size: int) -> Any:
        """Returns both states, and bool [B]: where the demonstrator acts."""
        return (
            self._policy.get_initial_state(batch_size),
            self._demonstrator.get_initial_state(batch_size),
            self._generator.random(batch_size) < self._share,
        )

    def action(self, time_step: ts.TimeStep, policy_state: Any) -> policy_step.PolicyStep:
        """Returns the actions to record; `info` has those to execute."""
        of_policy, of_demonstrator, demonstrates = policy_state
        played = self._policy.action(time_step, of_policy)
        shown = self._demonstrator.action(time_step, of_demonstrator)
        executed = _where(demonstrates, shown.action, played.action)
        recorded = shown.action if self._relabel else executed
        return policy_step.PolicyStep(recorded, (played.state, shown.state, demonstrates), executed)

    @staticmethod
    def executed(step: policy_step.PolicyStep) -> Any:
        """Returns what is to be done in a step."""
        return step.info


def _where(rows: np.ndarray, left: Any, right: Any) -> Any:
    """Leaves [B, …] of the left nest in these rows bool [B], and of the right one in the others."""
    return tf.nest.map_structure(
        lambda a, b: np.where(rows.reshape((-1,) + (1,) * (np.ndim(a) - 1)), a, b), left, right
    )
