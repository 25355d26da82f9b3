"""The settings of an implicit policy's search."""

from __future__ import annotations

import dataclasses

import gin

from ibc_agents import samplers
from ibc_agents.core import protocols, setting_checks


@gin.configurable
@dataclasses.dataclass(frozen=True)
class PolicySearch:
    """Settings of an implicit policy's search for the action of lowest energy.

    Attributes:
        sampler: Moves the samples to low energy.
        number: N, samples per observation, at least 1.

    Examples:
        >>> PolicySearch(samplers.Langevin(), number=512).number
        512
    """

    sampler: protocols.Sampler = dataclasses.field(default_factory=samplers.DerivativeFree)
    number: int = 1024

    def __post_init__(self):
        """Checks the settings.

        Raises:
            SettingError: If the sampler lacks its base class, or the number is below 1.
        """
        setting_checks.check_instance("PolicySearch.sampler", self.sampler, protocols.Sampler)
        setting_checks.check_integers_of(self, number=1)
