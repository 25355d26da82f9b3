"""The distribution an MDN policy has: a mixture of Gaussians, with a mode."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_probability as tfp

from ibc_agents.networks.heads import mixture_density


class GaussianMixture(tfp.distributions.MixtureSameFamily):
    """p(a) = Σ_k w_k N(a; μ_k, σ_k²), where w = softmax(logits / temperature).

    A temperature above 1 evens the weights out, below 1 it favours the largest; means and standard
    deviations stay as they are. Densities are summed in logarithms, so that weights and densities
    beyond float32's range do no harm.

    The mode is the component mean where the density of the whole mixture is highest. The largest
    weight alone would not do: a broad component of large weight can be lower at its mean than a
    narrow one of small weight, and components that overlap add up. The true maximum has no closed
    form; it lies near that mean, and at it where components lie apart.
    """

    @classmethod
    def from_parameters(
        cls, parameters: mixture_density.MixtureParameters, temperature: float = 1.0
    ) -> GaussianMixture:
        """Returns the distribution, of batch shape ``[B]`` and event shape ``[A]``.

        Args:
            parameters: of the mixtures.
            temperature: divides the logits, positive.
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
