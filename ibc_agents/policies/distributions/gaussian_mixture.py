"""The distribution of an MDN policy: a mixture of Gaussians with a mode."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_probability as tfp

from ibc_agents.networks.heads import mixture_density


class GaussianMixture(tfp.distributions.MixtureSameFamily):
    """p(a) = Σ_k w_k N(a; μ_k, σ_k²), where w = softmax(logits / temperature).

    A temperature above 1 flattens the weights, and one below 1 favors the largest; means and
    standard deviations are unchanged. Densities are summed in logarithms, which avoids overflow.

    The mode is the component mean with the highest density of the whole mixture. The component of
    the largest weight may be broad and have a lower density at its mean than a narrow one, and
    overlapping components add up. The true maximum has no closed form. It is close to that mean,
    and equal to it for well separated components.
    """

    @classmethod
    def from_parameters(
        cls, parameters: mixture_density.MixtureParameters, temperature: float = 1.0
    ) -> GaussianMixture:
        """Returns the distribution, of batch shape ``[B]`` and event shape ``[A]``.

        Args:
            parameters: Parameters of the mixtures.
            temperature: Divides the logits, positive.
        """
        return cls(
            tfp.distributions.Categorical(logits=parameters.logits / temperature),
            tfp.distributions.MultivariateNormalDiag(parameters.means, parameters.stddevs),
            name="GaussianMixture",
        )

    def _mode(self, **kwargs):
        means = self.components_distribution.mean()
        # The densities of all K means, each under the whole mixture.
        log_density = self.log_prob(tf.einsum("bka->kba", means))
        return tf.gather(means, tf.argmax(log_density, axis=0), batch_dims=1)
