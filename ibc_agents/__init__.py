"""Implicit Behavioral Cloning (Florence et al., CoRL 2021) as a TF-Agents plugin.

The public names are imported at their first use: `import ibc_agents` does not import TensorFlow.

Examples:
    >>> import ibc_agents
    >>> ibc_agents.Langevin.__module__
    'ibc_agents.samplers.langevin'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ibc_agents.core import lazy_names, top_level_packages
from ibc_agents.core.version import __version__ as __version__

top_level_packages.select_packages()

if TYPE_CHECKING:
    from ibc_agents.acceleration import Acceleration
    from ibc_agents.agents import (
        AutoregressiveBCAgent,
        BehavioralCloningAgent,
        CounterExamples,
        DiffusionAgent,
        EnergyBasedAgent,
        ImplicitBCAgent,
        MdnAgent,
        MseAgent,
        NearestNeighborAgent,
    )
    from ibc_agents.core.errors import UserError
    from ibc_agents.core.normalizer import Normalizer
    from ibc_agents.core.protocols import (
        Bounds,
        EnergyFunction,
        LearnedProposal,
        Loss,
        Proposal,
        Sampler,
        SamplerResult,
    )
    from ibc_agents.core.scaling.action_space import ActionSpace
    from ibc_agents.losses import (
        ConditionalNCE,
        ContrastiveDivergence,
        GradientPenalty,
        InfoNCE,
        RankingNCE,
    )
    from ibc_agents.networks import (
        ConvMaxPool,
        ConvResNet,
        ConvStrided,
        CoordConv,
        EnergyNetwork,
        FlatEncoder,
        GlobalAveragePooling,
        ImageCentering,
        LogDistances,
        MixtureDensityNetwork,
        MlpEncoder,
        MlpEnergyNetwork,
        Noise,
        PixelEncoder,
        PrefixEnergyNetwork,
        RandomShift,
        RegressionNetwork,
        SoftMinimum,
        SpatialSoftArgmax,
        SpectralNormDense,
    )
    from ibc_agents.policies import (
        DiffusionPolicy,
        DiffusionProcess,
        ImplicitPolicy,
        MdnPolicy,
        MsePolicy,
        NearestNeighborPolicy,
        PolicySearch,
        WindowPolicy,
    )
    from ibc_agents.proposals import Mixture, Uniform
    from ibc_agents.runs.experiment import Experiment
    from ibc_agents.runs.settings import (
        DemonstrationSettings,
        EvaluationSettings,
        GatheringSettings,
        TrainingSettings,
    )
    from ibc_agents.runs.task import Task
    from ibc_agents.samplers import (
        Autoregressive,
        Constant,
        DerivativeFree,
        EachBasin,
        ExactUpdate,
        Langevin,
        NormalizedUpdate,
        Polynomial,
        PublishedUpdate,
        Sequence,
    )

__getattr__, __dir__, __all__ = lazy_names.attach(__name__, __file__)
