"""Actors: policies, demonstrators and mixtures of both, acting in all rows of an environment."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf
from tf_agents.policies import py_policy
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts
from tf_agents.utils import common, nest_utils

from ibc_agents.core import errors


class ActorStep(NamedTuple):
    """The actions and the new state of an actor at a time step.

    Attributes:
        action: The actions to execute, a nest of arrays [B, …].
        recorded_action: The actions to record in a dataset, a nest of the same structure.
        state: The actor's next state.
    """

    action: Any
    recorded_action: Any
    state: Any


class Actor(Protocol):
    """Acts in all B rows of a vector environment at once."""

    def initial_state(self, seeds: np.ndarray) -> Any:
        """Returns the state at the first time step of B episodes.

        Args:
            seeds: Int32 [B, 2]. Row r determines the random draws of the actor in episode r.
        """

    def act(self, time_step: ts.TimeStep, state: Any) -> ActorStep:
        """Returns the actions at a time step with arrays [B, …]."""


class Policy(Protocol):
    """The common interface of `tf_policy.TFPolicy` and its loaded SavedModel."""

    def get_initial_state(self, batch_size: int) -> Any:
        """Returns the policy state at the beginning of `batch_size` episodes."""

    def action(self, time_step: ts.TimeStep, policy_state: Any) -> policy_step.PolicyStep:
        """Returns the actions, tensors [B, …], and the next policy state."""


class PolicyActor:
    """Acts by a TensorFlow policy, which is traced once.

    A policy of this library keeps its randomness in `policy_state["seed"]`, which is set to the
    seeds of the episodes. A policy without such a state draws its randomness itself.

    Args:
        policy: The policy. Its variables may change between two batches of episodes.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._action = common.function(policy.action)

    def initial_state(self, seeds: np.ndarray) -> Any:
        """Returns the policy's initial state with the seeds of the episodes."""
        return with_seeds(self._policy.get_initial_state(len(seeds)), seeds)

    def act(self, time_step: ts.TimeStep, state: Any) -> ActorStep:
        """Returns the policy's actions.

        Raises:
            RunError: If the policy refuses an observation that is not finite.
        """
        try:
            step = self._action(tf.nest.map_structure(tf.constant, time_step), state)
        except tf.errors.InvalidArgumentError as error:
            if leaf := _find_infinite(time_step.observation):
                raise errors.RunError(
                    f"the environment emits a NaN or infinite {leaf}, at which a policy has no "
                    "action. Fix the environment."
                ) from error
            raise
        action = tf.nest.map_structure(lambda leaf: leaf.numpy(), step.action)
        return ActorStep(action, action, step.state)


class DemonstratorActor:
    """Acts by a scripted demonstrator, whose randomness comes from its environment's seed.

    Args:
        demonstrator: Demonstrator of the vector environment in which it acts.
    """

    def __init__(self, demonstrator: py_policy.PyPolicy) -> None:
        self._demonstrator = demonstrator

    def initial_state(self, seeds: np.ndarray) -> Any:
        """Returns the demonstrator's initial state. The seeds have no effect."""
        return self._demonstrator.get_initial_state(len(seeds))

    def act(self, time_step: ts.TimeStep, state: Any) -> ActorStep:
        """Returns the demonstrator's actions."""
        step = self._demonstrator.action(time_step, state)
        return ActorStep(step.action, step.action, step.state)


class MixedActor:
    """Acts by the demonstrator in some episodes, drawn at random, and by the policy in the others.

    With `relabel`, the demonstrator's actions are recorded in all episodes, as in DAgger.

    Args:
        policy: Actor of the other episodes.
        demonstrator: Actor of a share of the episodes.
        demonstrator_share: Probability that the demonstrator acts in an episode, in [0, 1].
        relabel: Whether the demonstrator's actions are recorded where the policy acts.

    References:
        Ross et al., "A Reduction of Imitation Learning and Structured Prediction to No-Regret
        Online Learning", 2011, Alg. 3.1. https://arxiv.org/abs/1011.0686
    """

    def __init__(
        self, policy: Actor, demonstrator: Actor, demonstrator_share: float, relabel: bool
    ) -> None:
        self._policy = policy
        self._demonstrator = demonstrator
        self._demonstrator_share = demonstrator_share
        self._relabel = relabel

    def initial_state(self, seeds: np.ndarray) -> Any:
        """Returns both states, and where the demonstrator acts, bool [B]."""
        draws = [np.random.default_rng(words).random() for words in seeds.view(np.uint32)]
        return (
            self._policy.initial_state(seeds),
            self._demonstrator.initial_state(seeds),
            np.array(draws) < self._demonstrator_share,
        )

    def act(self, time_step: ts.TimeStep, state: Any) -> ActorStep:
        """Returns the actions of the policy or the demonstrator in each row."""
        policy_state, demonstrator_state, demonstrates = state
        of_policy = self._policy.act(time_step, policy_state)
        of_demonstrator = self._demonstrator.act(time_step, demonstrator_state)
        action = _where(demonstrates, of_demonstrator.action, of_policy.action)
        recorded = of_demonstrator.recorded_action if self._relabel else action
        return ActorStep(action, recorded, (of_policy.state, of_demonstrator.state, demonstrates))


def with_seeds(policy_state: Any, seeds: np.ndarray) -> Any:
    """Returns a policy state with the seeds of the episodes.

    Args:
        policy_state: Initial state of a policy. One that is not a dict with the key `seed` belongs
            to a policy of another library and is returned unchanged.
        seeds: Int32 [B, 2].
    """
    if isinstance(policy_state, dict) and "seed" in policy_state:
        return {**policy_state, "seed": tf.constant(seeds)}
    return policy_state


def _find_infinite(observation: Any) -> str | None:
    """Returns the path of the first leaf with a value that is not finite; None if there is none."""
    for path, leaf in nest_utils.flatten_with_joined_paths({"observation": observation}):
        if not np.isfinite(leaf).all():
            return path
    return None


def _where(condition: np.ndarray, left: Any, right: Any) -> Any:
    """Selects rows of a nest with leaves [B, …]: left where bool [B] is True, else right."""
    return tf.nest.map_structure(
        lambda a, b: np.where(condition.reshape((-1,) + (1,) * (np.ndim(a) - 1)), a, b), left, right
    )
