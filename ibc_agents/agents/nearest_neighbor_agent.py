"""The paper's nearest-neighbour baseline: it memorises the demonstrations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gin
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from ibc_agents import networks
from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.policies import nearest_neighbor_index, nearest_neighbor_policy


@gin.configurable(denylist=["time_step_spec", "action_spec", "normalizer", "train_step_counter"])
class NearestNeighborAgent(behavioral_cloning_agent.BehavioralCloningAgent):
    """Acts as was demonstrated at the closest observation; there is nothing to train.

    `memorize` comes before everything else. A train step changes nothing but the step counter; the
    loss is the mean squared error of the neighbour's scaled action: 0 on what it has memorised
    (unless equal windows have different actions), and telling on held-out demonstrations.

    To restore a checkpoint, memorise the same demonstrations first. An exported policy needs
    nothing.
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
        """Creates an agent that has memorised nothing yet.

        Args:
            time_step_spec: of the unwrapped environment.
            action_spec: of the unwrapped environment; float vectors or a nest of them.
            normalizer: statistics of the demonstrations; see `Normalizer.from_dataset`.
            encoder: maps the normalised window to the vector ``[B, F]`` that is compared; not
                trained. By default `FlatEncoder`.
            window: T, frames of observation that are compared.
            seed: of no effect here; all agents take one.
            train_step_counter: int64 variable; by default TF-Agents' global step.
        """
        self._encoder = encoder or networks.FlatEncoder()
        self._index = nearest_neighbor_index.NearestNeighborIndex()
        policy = nearest_neighbor_policy.NearestNeighborPolicy(
            time_step_spec, action_spec, self._encoder, self._index, normalizer, window
        )
        super().__init__(
            time_step_spec,
            action_spec,
            policy,
            normalizer,
            tf.keras.optimizers.SGD(),  # of no variable
            window,
            trained=[],
            seed=seed,
            train_step_counter=train_step_counter,
        )

    def memorize(self, windows: Iterable[trajectory.Trajectory]) -> None:
        """Replaces what the agent knows by these windows; call it before anything is compiled.

        Args:
            windows: as any agent's `memorize` takes them. What is kept of each is its code and
                action, M · (8 F + 4 A + 12) bytes for all M.

        Raises:
            ValueError: if the windows do not fit `training_data_spec`, or none has an executed
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
