"""The nearest-neighbor baseline: it stores the demonstrations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gin
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from ibc_agents import networks
from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.agents.construction import building
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import setting_checks
from ibc_agents.policies import nearest_neighbor_index, nearest_neighbor_policy


@gin.configurable(denylist=["time_step_spec", "action_spec", "normalizer", "train_step_counter"])
class NearestNeighborAgent(behavioral_cloning_agent.BehavioralCloningAgent):
    """Returns the demonstrated action of the closest observation; nothing is trained.

    `memorize` must be called first. A train step changes the step counter only. The loss is the
    mean squared error of the neighbor's scaled action. It is 0 on stored windows, unless equal
    windows have different actions, and informative on held-out demonstrations.

    To restore a checkpoint, memorize the same demonstrations first. An exported policy needs
    nothing else.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Sec. 4.
        https://arxiv.org/abs/2109.00137
    """

    memorizes = True

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: Any,
        normalizer: normalizer_lib.Normalizer,
        encoder: tf.keras.layers.Layer | None = None,
        window: int = 2,
        seed: int = 0,
        train_step_counter: tf.Variable | None = None,
    ):
        """Creates an agent without demonstrations.

        Args:
            time_step_spec: Time step spec of the unwrapped environment.
            action_spec: Action spec of the unwrapped environment; float vectors or a nest of them.
            normalizer: Statistics of the demonstrations.
            encoder: Maps the normalized window to the vector ``[B, F]`` that is compared; not
                trained. By default `FlatEncoder`.
            window: T, frames of observation that are compared.
            seed: Has no effect; it is an argument of all agents.
            train_step_counter: Int64 variable; by default TF-Agents' global step.

        Raises:
            SettingError: If a setting has a wrong type or is out of range.
        """
        window = setting_checks.check_integer("NearestNeighborAgent.window", window, minimum=1)
        setting_checks.check_optional_instance(
            "NearestNeighborAgent.encoder", encoder, tf.keras.layers.Layer
        )
        self._encoder = encoder or networks.FlatEncoder()
        example = building.example_window(time_step_spec, normalizer, window)
        with building.reporting_misfits("NearestNeighborAgent.encoder", time_step_spec.observation):
            self._encoder(example)
        self._index = nearest_neighbor_index.NearestNeighborIndex()
        policy = nearest_neighbor_policy.NearestNeighborPolicy(
            time_step_spec, action_spec, self._encoder, self._index, normalizer, window
        )
        super().__init__(
            time_step_spec,
            action_spec,
            policy,
            normalizer,
            tf.keras.optimizers.SGD(),  # has no variables
            window,
            trained=[],
            seed=seed,
            train_step_counter=train_step_counter,
        )

    def memorize(self, windows: Iterable[trajectory.Trajectory]) -> None:
        """Stores these windows instead of earlier ones; call it before anything is compiled.

        Args:
            windows: As in the base class. Their codes and actions are stored, M · (8 F + 4 A + 12)
                bytes for M windows.

        Raises:
            ValueError: If the windows do not fit `training_data_spec`, or none has an executed
                action.
        """
        codes, actions = [], []
        for experience in windows:
            observation, action, executed = self._examples(experience)
            kept = executed.numpy() > 0
            codes.append(self._encoder(observation).numpy()[kept])
            actions.append(action.numpy()[kept])
        self._index.fill(codes, actions)

    def _example_losses(self, observation, action, seed, training):
        neighbor = self._index(self._encoder(observation))
        return tf.reduce_mean(tf.square(neighbor - action), axis=-1), {}
