"""Losses on energies, and penalties on their gradient."""

from ibc_agents.losses.conditional_nce import ConditionalNCE
from ibc_agents.losses.contrastive_divergence import ContrastiveDivergence
from ibc_agents.losses.gradient_penalty import GradientPenalty
from ibc_agents.losses.info_nce import InfoNCE
from ibc_agents.losses.ranking_nce import RankingNCE

__all__ = ["ConditionalNCE", "ContrastiveDivergence", "GradientPenalty", "InfoNCE", "RankingNCE"]
