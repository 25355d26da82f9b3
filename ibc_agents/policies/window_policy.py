"""The base class of all policies: a window of observations, and a seed for each row."""

from __future__ import annotations

import abc
import functools
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from tf_agents.policies import tf_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts
from tf_agents.utils import common

from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import windows
from ibc_agents.policies import finite_values
from ibc_agents.policies.distributions import action_distribution

# 2³² divided by the golden ratio, as int32; its multiples take all int32 values in turn.
_NEXT_EPISODE = -1640531527


class WindowPolicy(tf_policy.TFPolicy, abc.ABC):
    """A policy on the last T raw observations, for any Actor, driver or SavedModel.

    The state is a dict. `seed`, int32 ``[B, 2]``, determines the randomness of a row: word 0
    changes at every FIRST, word 1 at every action. `observations` (if T > 1) holds the last T − 1
    raw observations, refilled at FIRST. Both are refilled row by row, so rows of a batch may begin
    episodes at different times. A row's seed before FIRST determines that row's episode.

    An action is finite and inside the bounds for every finite observation. An observation that is
    NaN or infinite raises `tf.errors.InvalidArgumentError`, also in a SavedModel. TensorFlow Lite
    and XLA remove assertions; there, the action of such a row is NaN in all its elements.
    """

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: Any,
        normalizer: normalizer_lib.Normalizer,
        window: int,
        seed: int | None = None,
        name: str | None = None,
    ):
        """Creates the policy.

        Args:
            time_step_spec: Time step spec of the unwrapped environment.
            action_spec: Action spec of the unwrapped environment.
            normalizer: Converts between the environment's units and scaled ones.
            window: T, frames of observation, at least 1.
            seed: Seed of `get_initial_state`; None draws from TensorFlow's global generator.
            name: Name of the policy.

        Raises:
            ValueError: If the window is shorter than 1.
        """
        if window < 1:
            raise ValueError(f"window must be at least 1 frame, got {window}.")
        self._normalizer = normalizer
        self._window = window
        self._seed = seed
        state_spec: dict[str, Any] = {"seed": tf.TensorSpec([2], tf.int32, "seed")}
        if window > 1:
            state_spec["observations"] = tf.nest.map_structure(
                lambda leaf: tf.TensorSpec([window - 1, *leaf.shape], leaf.dtype, _past(leaf.name)),
                time_step_spec.observation,
            )
        super().__init__(
            time_step_spec,
            action_spec,
            policy_state_spec=state_spec,
            # TensorFlow Lite would clip NaN to a bound; `_in_raw_units` clips.
            clip=False,
            # The base class would overwrite the caller's seeds; `recall` resets rows.
            automatic_state_reset=False,
            name=name,
        )

    @abc.abstractmethod
    def _scaled_distribution(
        self, observation: Any, seed: tf.Tensor
    ) -> tfp.distributions.Distribution:
        """Returns a distribution over scaled actions with a mode; the caller clips to the bounds.

        Args:
            observation: Normalized window, a nest of ``[B, T, …]``.
            seed: Int32 ``[B, 2]``.

        Returns:
            Batch shape ``[B]``, event shape ``[A]``.
        """

    def _get_initial_state(self, batch_size):
        state = tensor_spec.zero_spec_nest(
            self._policy_state_spec, outer_dims=None if batch_size is None else [batch_size]
        )
        shape = tf.shape(state["seed"])
        if self._seed is None:
            largest = tf.int32.max
            state["seed"] = tf.random.uniform(shape, -largest, largest, tf.int32)
        else:
            state["seed"] = tf.random.stateless_uniform(
                shape, seed=[self._seed, 0], minval=None, maxval=None, dtype=tf.int32
            )
        return state

    def recall(self, time_step: ts.TimeStep, policy_state: Any) -> tuple[Any, tf.Tensor, Any]:
        """Returns what an action at this time step depends on, without drawing anything.

        Args:
            time_step: Leaves ``[B, …]``.
            policy_state: As returned by `get_initial_state` or the previous step.

        Returns:
            The raw window, a nest of ``[B, T, …]``; the seed, int32 ``[B, 2]``; the policy state
            after this step.
        """
        is_first = time_step.is_first()
        seed = policy_state["seed"] + _seed_change(is_first)
        next_state = {"seed": seed + tf.constant([0, 1])}
        window = tf.nest.map_structure(lambda frame: frame[:, None], time_step.observation)
        if self._window > 1:
            window = tf.nest.map_structure(
                lambda past, newest: windows.append_frame(past, newest, is_first),
                policy_state["observations"],
                window,
            )
            next_state["observations"] = tf.nest.map_structure(lambda w: w[:, 1:], window)
        return window, seed, next_state

    def _distribution(self, time_step, policy_state):
        window, seed, next_state = self.recall(time_step, policy_state)
        is_finite = finite_values.finite_rows(window)
        window = finite_values.check_finite(
            window, "observation", "is NaN or infinite. Check the sensor or the environment."
        )
        normalized = self._normalizer.normalize_observation(finite_values.replace_infinite(window))
        scaled = self._scaled_distribution(normalized, seed)
        return policy_step.PolicyStep(self._in_raw_units(scaled, is_finite), next_state, ())

    def _in_raw_units(self, scaled, is_finite):
        """Returns the nest of action distributions, clipped to the bounds.

        Args:
            scaled: Distribution over scaled actions.
            is_finite: Whether the observations of each row are finite, broadcastable to ``[B]``.
        """
        bounds = self._normalizer.bounds

        def to_leaf(number, leaf, actions):
            inside = tf.clip_by_value(actions, bounds.low, bounds.high)
            raw = tf.nest.flatten(self._normalizer.unscale_action(inside))[number]
            if tensor_spec.is_bounded(leaf):
                raw = common.clip_to_spec(raw, leaf)  # The scaled bounds are rounded.
            return tf.where(tf.reshape(is_finite, [-1] + [1] * leaf.shape.rank), raw, np.nan)

        leaves = [
            action_distribution.ActionDistribution(
                scaled, functools.partial(to_leaf, number, leaf), leaf
            )
            for number, leaf in enumerate(tf.nest.flatten(self._action_spec))
        ]
        return tf.nest.pack_sequence_as(self._action_spec, leaves)

    def _action(self, time_step, policy_state, seed=None):
        if seed is not None:
            raise ValueError(
                "The randomness of this policy comes from policy_state['seed']; the seed argument "
                "would have no effect. Set the state's seed instead."
            )
        step = self._distribution(time_step, policy_state)
        action = tf.nest.map_structure(lambda d: d.mode(), step.action)
        return step._replace(
            action=finite_values.check_finite(
                action,
                "action",
                "is NaN or infinite at a finite observation. The policy's weights are damaged.",
            )
        )


def _past(name: str | None) -> str | None:
    """Returns the name of past observations, which PolicySaver may need beside the present ones."""
    return None if name is None else f"past_{name}"


def _seed_change(is_first: tf.Tensor) -> tf.Tensor:
    """Returns what FIRST adds to seeds, int32 ``[B, 2]``: non-zero in word 0 of first rows."""
    word = tf.where(is_first, tf.constant(_NEXT_EPISODE), tf.constant(0))
    return tf.stack([word, tf.zeros_like(word)], axis=-1)
