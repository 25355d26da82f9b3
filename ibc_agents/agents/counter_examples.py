"""The settings of the examples that an energy is trained on."""

from __future__ import annotations

import dataclasses

import gin

from ibc_agents import proposals
from ibc_agents.core import protocols, setting_checks


@gin.configurable
@dataclasses.dataclass(frozen=True)
class CounterExamples:
    """Settings of the counter-examples of a demonstration.

    Attributes:
        proposal: Draws the counter-examples, and the first samples of the policy's search.
        number: N per demonstration, at least 1.
        sampler: Moves the counter-examples to low energy before the loss, as in Langevin training;
            None leaves them unchanged.
        action_noise_stddev: Standard deviation of normal noise on the demonstrated actions in the
            loss, in scaled action units, not negative. The energy then is that of the
            demonstrations' density convolved with the noise, which bounds how steep its minima
            become. On noise-free demonstrations, energies without it grow so steep that samplers
            miss the minima.

    Examples:
        >>> CounterExamples(number=8).sampler is None
        True
    """

    proposal: protocols.Proposal = dataclasses.field(default_factory=proposals.Uniform)
    number: int = 256
    sampler: protocols.Sampler | None = None
    action_noise_stddev: float = 0.0

    def __post_init__(self):
        """Checks the settings.

        Raises:
            SettingError: If the proposal or the sampler lacks its base class, or a number is out of
                range.
        """
        setting_checks.check_instance("CounterExamples.proposal", self.proposal, protocols.Proposal)
        if self.sampler is not None:
            setting_checks.check_instance(
                "CounterExamples.sampler", self.sampler, protocols.Sampler
            )
        setting_checks.check_integers_of(self, number=1)
        setting_checks.check_numbers_of(self, action_noise_stddev=setting_checks.NOT_NEGATIVE)
