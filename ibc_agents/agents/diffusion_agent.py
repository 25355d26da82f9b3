"""The diffusion baseline: behavioral cloning by denoising."""

from __future__ import annotations

from typing import Any

import gin
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.agents.construction import building
from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import setting_checks, stateless_random
from ibc_agents.networks.heads import denoising
from ibc_agents.networks.layers import dense_resnet
from ibc_agents.policies import diffusion_policy, diffusion_process


@gin.configurable(denylist=["time_step_spec", "action_spec", "normalizer", "train_step_counter"])
class DiffusionAgent(behavioral_cloning_agent.BehavioralCloningAgent):
    """Predicts the noise in demonstrated actions at all noise levels; the policy denoises noise.

    The loss is the mean squared error of the predicted noise. Each example of a batch has one
    level, drawn uniformly.

    References:
        Chi et al., "Diffusion Policy: Visuomotor Policy Learning via Action Diffusion", 2023.
        https://arxiv.org/abs/2303.04137
    """

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: Any,
        normalizer: normalizer_lib.Normalizer,
        encoder: tf.keras.layers.Layer,
        optimizer: tf.keras.optimizers.Optimizer,
        window: int = 2,
        process: diffusion_process.DiffusionProcess | None = None,
        width: int = 256,
        depth: int = 4,
        activation: str = "swish",
        seed: int = 0,
        train_step_counter: tf.Variable | None = None,
    ):
        """Creates the agent.

        Args:
            time_step_spec: Time step spec of the unwrapped environment.
            action_spec: Action spec of the unwrapped environment; float vectors or a nest of them.
            normalizer: Statistics of the demonstrations.
            encoder: Maps the normalized window to a vector.
            optimizer: A Keras optimizer.
            window: T, frames of observation.
            process: Noise levels and steps, by default `DiffusionProcess()`.
            width: W, units of each layer that depends on actions, positive.
            depth: D, even; D/2 residual blocks.
            activation: Name of a Keras activation.
            seed: Seed of all randomness in training.
            train_step_counter: Int64 variable; by default TF-Agents' global step.

        Raises:
            SettingError: If a setting has a wrong type or is out of range.
        """
        window = setting_checks.check_integer("DiffusionAgent.window", window, minimum=1)
        setting_checks.check_instance("DiffusionAgent.encoder", encoder, tf.keras.layers.Layer)
        self._process = diffusion_process.DiffusionProcess() if process is None else process
        setting_checks.check_instance(
            "DiffusionAgent.process", self._process, diffusion_process.DiffusionProcess
        )
        width, depth = dense_resnet.check_settings(
            "DiffusionAgent", width, depth, activation, 0.0, False, tf.keras.layers.Dense
        )
        self._denoising_network = denoising.DenoisingNetwork(
            encoder,
            normalizer.action_space.size,
            self._process.num_levels,
            width,
            depth,
            activation,
        )
        building.build_network(
            "DiffusionAgent.encoder",
            self._denoising_network,
            time_step_spec,
            normalizer,
            window,
            tf.zeros([1, normalizer.action_space.size]),
            tf.zeros([1], tf.int32),
        )
        policy = diffusion_policy.DiffusionPolicy(
            time_step_spec,
            action_spec,
            self._denoising_network,
            self._process,
            normalizer,
            window,
        )
        super().__init__(
            time_step_spec,
            action_spec,
            policy,
            normalizer,
            optimizer,
            window,
            trained=[self._denoising_network],
            seed=seed,
            train_step_counter=train_step_counter,
        )

    def _example_losses(self, observation, action, seed, training):
        batch_size = tf.shape(action)[0]
        noise = tf.random.stateless_normal(tf.shape(action), stateless_random.fold_in(seed, 0))
        levels = tf.random.stateless_uniform(
            [batch_size],
            stateless_random.fold_in(seed, 1),
            0,
            self._process.num_levels,
            tf.int32,
        )
        noisy = self._process.add_noise(action, noise, levels)
        code = self._denoising_network.encode(observation, training)
        predicted = self._denoising_network.denoise(code, noisy, levels, training)
        return tf.reduce_mean(tf.square(predicted - noise), axis=-1), {}
