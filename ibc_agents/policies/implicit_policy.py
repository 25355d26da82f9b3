"""The implicit policy: the action of lowest energy, â = argmin_a E(o, a)."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from ibc_agents.core import normalizer as normalizer_lib
from ibc_agents.core import protocols, stateless_random
from ibc_agents.networks.energy import energy_network as energy_network_lib
from ibc_agents.policies import policy_search, window_policy
from ibc_agents.policies.distributions import weighted_samples


class ImplicitPolicy(window_policy.WindowPolicy):
    """Draws actions from a proposal, moves them to low energy, and returns the best.

    `action` is the sample of lowest energy. `distribution` weights the final samples by exp(−E), so
    its mode is that action.

    References:
        Florence et al., "Implicit Behavioral Cloning", 2021, Sec. 1 and 2.
        https://arxiv.org/abs/2109.00137
    """

    def __init__(
        self,
        time_step_spec,
        action_spec,
        energy_network: energy_network_lib.EnergyNetwork,
        normalizer: normalizer_lib.Normalizer,
        window: int,
        proposal: protocols.Proposal,
        search: policy_search.PolicySearch,
        seed: int | None = None,
        name: str = "ImplicitPolicy",
    ):
        """Creates the policy.

        Args:
            time_step_spec: Time step spec of the unwrapped environment.
            action_spec: Action spec of the unwrapped environment.
            energy_network: Encodes an observation once, then scores actions.
            normalizer: Converts between the environment's units and scaled ones.
            window: T, frames of observation, at least 1.
            proposal: Draws the first samples.
            search: Moves them to low energy.
            seed: Seed of `get_initial_state`; None draws from TensorFlow's global generator.
            name: Name of the policy.

        Raises:
            ValueError: If the window is shorter than 1.
        """
        self._energy_network = energy_network
        self._proposal = proposal
        self._search = search
        super().__init__(time_step_spec, action_spec, normalizer, window, seed, name)

    def optimize(
        self, window: Any, seed: tf.Tensor, trace: bool = False
    ) -> protocols.SamplerResult:
        """Draws samples and moves them to low energy, as an action does.

        Args:
            window: Raw observations, a nest of ``[B, T, …]``.
            seed: Int32 ``[B, 2]``, or ``[2]`` for all rows together; `recall` returns the one that
                an action would use.
            trace: Whether the result holds the trace of the search.

        Returns:
            Scaled actions ``[B, N, A]``; the policy returns the one of lowest energy.
        """
        return self._optimize(self._normalizer.normalize_observation(window), seed, trace)

    def _scaled_distribution(self, observation: Any, seed: tf.Tensor):
        result = self._optimize(observation, seed)
        # A sample without an energy is no action; without this, one of them could be the mode.
        has_energy = tf.math.is_finite(result.energies)[..., None]
        actions = tf.where(has_energy, result.actions, np.nan)
        return weighted_samples.WeightedSamples(actions, -result.energies)

    def _optimize(self, observation, seed, trace=False):
        code = self._energy_network.encode(observation)
        bounds = self._normalizer.bounds
        initial = self._proposal.first_actions(
            code, self._search.number, bounds, stateless_random.fold_in(seed, 0)
        )
        return self._search.sampler(
            self._energy_network.at(code),
            initial,
            bounds,
            stateless_random.fold_in(seed, 1),
            trace,
        )
