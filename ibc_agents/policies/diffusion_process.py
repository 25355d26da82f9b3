"""Gaussian diffusion of actions: noise levels, and the denoising of a sample."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import gin
import numpy as np
import tensorflow as tf

from ibc_agents.core import protocols, setting_checks

_OFFSET = 0.008  # Keeps the noise of the first level from vanishing.
_MAX_BETA = 0.999

Denoiser = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""(noisy actions [B, A], levels int32 [B]) → predicted noise [B, A]."""


@gin.configurable
@dataclasses.dataclass(frozen=True)
class DiffusionProcess:
    """Adds noise to actions, and removes it step by step.

    An action at level k is √ᾱ_k a + √(1 − ᾱ_k) ε with ε ~ N(0, I). ᾱ falls from 1 to 0 along a
    squared cosine. Sampling begins at ε and takes deterministic steps (DDIM) over evenly spaced
    levels. The action that each step predicts is clipped to the bounds.

    Attributes:
        num_levels: K, noise levels in training, at least 1.
        num_steps: Steps of a sample, from 1 to K. Their number may differ from K, because the steps
            are deterministic.

    Raises:
        SettingError: If a number is out of range.

    References:
        Ho et al., "Denoising Diffusion Probabilistic Models", 2020. https://arxiv.org/abs/2006.11239
        Song et al., "Denoising Diffusion Implicit Models", 2021. https://arxiv.org/abs/2010.02502
        Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models", 2021, Sec. 3.2.
        https://arxiv.org/abs/2102.09672
    """

    num_levels: int = 100
    num_steps: int = 16

    def __post_init__(self) -> None:
        setting_checks.check_integers_of(self, num_levels=1, num_steps=1)
        setting_checks.check_integer(
            "DiffusionProcess.num_steps", self.num_steps, minimum=1, maximum=self.num_levels
        )

    @property
    def signal(self) -> np.ndarray:
        """ᾱ of each level, float32 ``[K]``, decreasing."""
        progress = np.arange(self.num_levels + 1) / self.num_levels
        curve = np.cos((progress + _OFFSET) / (1 + _OFFSET) * np.pi / 2) ** 2
        betas = np.minimum(1 - curve[1:] / curve[:-1], _MAX_BETA)
        return np.cumprod(1 - betas).astype(np.float32)

    def add_noise(self, actions: tf.Tensor, noise: tf.Tensor, levels: tf.Tensor) -> tf.Tensor:
        """Returns actions at noise levels.

        Args:
            actions: Scaled actions ``[B, A]``.
            noise: Standard normal, ``[B, A]``.
            levels: Int32 ``[B]``, from 0 to K − 1.

        Returns:
            ``[B, A]``.
        """
        signal = tf.gather(self.signal, levels)[:, None]
        return tf.sqrt(signal) * actions + tf.sqrt(1 - signal) * noise

    def sample(self, denoise: Denoiser, noise: tf.Tensor, bounds: protocols.Bounds) -> tf.Tensor:
        """Returns the actions that denoising standard normal noise leads to.

        Args:
            denoise: Predicts the noise.
            noise: Standard normal, ``[B, A]``.
            bounds: Bounds of scaled actions.

        Returns:
            Scaled actions ``[B, A]``, within the bounds.
        """
        levels = np.linspace(self.num_levels - 1, 0, self.num_steps).round().astype(np.int32)
        signals = self.signal[levels]
        next_signals = np.append(signals[1:], np.float32(1.0))
        schedule = tf.constant(levels), tf.constant(signals), tf.constant(next_signals)

        def step(k, actions):
            level, signal, next_signal = (values[k] for values in schedule)
            predicted = denoise(actions, tf.fill([tf.shape(actions)[0]], level))
            clean = (actions - tf.sqrt(1 - signal) * predicted) / tf.sqrt(signal)
            clean = tf.clip_by_value(clean, bounds.low, bounds.high)
            direction = (actions - tf.sqrt(signal) * clean) / tf.sqrt(1 - signal)
            moved = tf.sqrt(next_signal) * clean + tf.sqrt(1 - next_signal) * direction
            return k + 1, moved

        return tf.while_loop(lambda k, _: k < self.num_steps, step, (0, noise))[1]
