"""The implicit policy: the action of lowest energy, â = argmin_a E(o, a) (paper Sec. 1)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import protocols, stateless_random
from ibc_agents.networks.energy import energy_network as energy_network_lib
from ibc_agents.policies import weighted_samples, window_policy


class ImplicitPolicy(window_policy.WindowPolicy):
    """Draws actions from a proposal, lets a sampler improve them, takes the best.

    `action` is the sample of lowest energy. `distribution` weighs the sampler's final samples by
    exp(−E), so its mode is that action.
    """

    def __init__(
        self,
        time_step_spec,
        action_spec,
        energy_network: energy_network_lib.EnergyNetwork,
        normalizer: normalizer_lib.Normalizer,
        window: int,
        proposal: protocols.Proposal,
        sampler: protocols.Sampler,
        num_samples: int,
        seed: int | None = None,
        name: str = "ImplicitPolicy",
    ):
        """Creates the policy.

        Args:
            time_step_spec: of the unwrapped environment.
            action_spec: of the unwrapped environment.
            energy_network: encodes an observation once, then scores actions.
            normalizer: from the environment's units to scaled ones and back.
            window: T, frames of observation, at least 1.
            proposal: where the first samples come from.
            sampler: moves them to low energy.
            num_samples: N, samples per observation, at least 1.
            seed: of `get_initial_state`; None draws from TensorFlow's global generator.
            name: of the policy.

        Raises:
            ValueError: if a number is out of range.
        """
        if num_samples < 1:
            raise ValueError(f"num_samples must be at least 1, got {num_samples}.")
        self._energy_network = energy_network
        self._proposal = proposal
        self._sampler = sampler
        self._num_samples = num_samples
        super().__init__(time_step_spec, action_spec, normalizer, window, seed, name)

    def optimize(
        self, window: Any, seed: tf.Tensor, trace: bool = False
    ) -> protocols.SamplerResult:
        """Draws samples and moves them to low energy, as an action does.

        Args:
            window: raw observations, a nest of ``[B, T, …]``.
            seed: int32 ``[B, 2]`` (or ``[2]``, for all rows together); `recall` gives the one
                that an action would use.
            trace: whether the result tells where the samples have been.

        Returns:
            Scaled actions ``[B, N, A]``; the one of lowest energy is what the policy does.
        """
        return self._optimize(self._normalizer.normalize_observation(window), seed, trace)

    def _scaled_distribution(self, observation: Any, seed: tf.Tensor):
        result = self._optimize(observation, seed)
        return weighted_samples.WeightedSamples(result.actions, -result.energies)

    def _optimize(self, observation, seed, trace=False):
        code = self._energy_network.encode(observation)
        bounds = self._normalizer.bounds
        initial = self._proposal.first_actions(
            code, self._num_samples, bounds, stateless_random.fold_in(seed, 0)
        )
        return self._sampler(
            self._energy_network.at(code),
            initial,
            bounds,
            stateless_random.fold_in(seed, 1),
            trace,
        )
