"""The base class of scripted demonstrators: batching, and memory that is reset at FIRST."""

from __future__ import annotations

import abc
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.policies import py_policy
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts
from tf_agents.typing import types

from environments.base import Environment, VectorEnvironment


class Demonstrator(py_policy.PyPolicy):
    """A scripted policy that solves its environment's task.

    The demonstrator acts on `Environment.states`, which may contain more than the observation. Its
    memory is the policy state, and a row's memory is reset at FIRST. All randomness comes from the
    environment's current episode. A demonstration therefore depends only on the environment's seed
    and is equal in a single environment and in a row of a vector environment.

    Args:
        environment: Single or vector environment. `action` must receive its current time step.
        memory_spec: Nest of `ArraySpec` that describes the memory of one row.
    """

    def __init__(self, environment: Environment | VectorEnvironment, memory_spec: Any) -> None:
        super().__init__(environment.time_step_spec(), environment.action_spec(), memory_spec)
        self._environment = environment

    def _action(
        self,
        time_step: ts.TimeStep,
        policy_state: Any,
        seed: types.Seed | None = None,
    ) -> policy_step.PolicyStep:
        del seed  # All randomness comes from the environment's episode.
        batched = self._environment.batched
        first, states = time_step.is_first(), self._environment.states
        if not batched:
            first, states = tf.nest.map_structure(
                lambda value: np.asarray(value)[None], (first, states)
            )
        memory = self._renew(np.asarray(first), policy_state)
        action, memory = self._act(states, memory)
        if not batched:
            action, memory = tf.nest.map_structure(
                lambda value: np.asarray(value[0]), (action, memory)
            )
        return policy_step.PolicyStep(action, memory, ())

    def _renew(self, first: np.ndarray, policy_state: Any) -> Any:
        """Returns the memory as new arrays [B, ...], reset in the rows at FIRST (bool [B])."""
        # The batch dimension of the state is unreliable. A TF-Agents Actor starts an unbatched
        # policy with a state of batch size 1, and a caller may pass () with a FIRST time step.
        rows = first.shape[0]
        if first.all():
            memory = self.get_initial_state(rows)
        else:
            memory = tf.nest.map_structure(
                lambda spec, value: np.array(value, spec.dtype).reshape(rows, *spec.shape),
                self.policy_state_spec,
                policy_state,
            )
        for row in np.flatnonzero(first):
            if isinstance(self._environment, VectorEnvironment):
                rng = self._environment.demonstration_rng(row)
            else:
                rng = self._environment.demonstration_rng()
            fresh = self._fresh_memory(rng)
            for leaf, value in zip(tf.nest.flatten(memory), tf.nest.flatten(fresh), strict=True):
                leaf[row] = value
        return memory

    @abc.abstractmethod
    def _fresh_memory(self, rng: np.random.Generator) -> Any:
        """Returns the initial memory of one row, sampled from `rng` if it is random."""

    @abc.abstractmethod
    def _act(self, states: Any, memory: Any) -> tuple[Any, Any]:
        """Returns actions and new memory, both [B, ...]. May change `memory` in place."""
