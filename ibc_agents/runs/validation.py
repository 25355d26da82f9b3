"""Validation batches and an energy landscape of held-out demonstrations."""

from __future__ import annotations

import itertools
import os

import numpy as np
from tf_agents.trajectories import trajectory

from data.episodes import episode as episode_lib
from data.reading import demonstrations as demonstrations_lib
from data.sources import in_memory_source
from ibc_agents.agents import behavioral_cloning_agent, energy_based_agent
from ibc_agents.visualization import energy_landscape, landscape_moments, landscape_plots

_NUM_BATCHES = 4
# Seed of the samples in the landscape, and its grid points along a dimension. Each evaluation draws
# a landscape, so it must be fast.
_SEED = np.zeros(2, np.int32)
_RESOLUTION = 61


def validation_batches(
    dataset: demonstrations_lib.Demonstrations, window: int, batch_size: int
) -> list[trajectory.Trajectory]:
    """Returns a few batches of held-out windows.

    Args:
        dataset: The demonstrations.
        window: T, frames of a window.
        batch_size: B, windows of a batch.

    Returns:
        Trajectories with leaves [B, T, …]; none if nothing is held out.
    """
    if not len(dataset.validation):
        return []
    source = in_memory_source.InMemorySource()
    source.load(dataset.validation, dataset.spec)
    endless = source.dataset(window, batch_size, seed=0)
    return [experience for experience, _ in itertools.islice(endless, _NUM_BATCHES)]


class HeldOutLandscape:
    """The energy of an agent at a fixed observation, in the middle of a demonstration."""

    def __init__(self, agent: energy_based_agent.EnergyBasedAgent, episode: episode_lib.Episode):
        """Chooses the observation; the energy is computed when it is drawn.

        Args:
            agent: Agent whose energy is drawn, with its weights at that time.
            episode: Demonstration with at least one executed action.
        """
        moments = landscape_moments.recall_demonstration(agent.policy, episode, _SEED)
        self._moment = next(itertools.islice(moments, int(episode.executed.sum()) // 2, None))
        self._landscapes = energy_landscape.Landscapes(agent, resolution=_RESOLUTION)

    @classmethod
    def from_dataset(
        cls,
        agent: behavioral_cloning_agent.BehavioralCloningAgent,
        dataset: demonstrations_lib.Demonstrations,
    ) -> HeldOutLandscape | None:
        """Uses the first held-out episode, or the first training episode if none is held out.

        Returns:
            The landscape, or None if the agent has no energy.
        """
        if not isinstance(agent, energy_based_agent.EnergyBasedAgent):
            return None
        candidates = itertools.chain(dataset.validation, dataset.train)
        return cls(agent, next(episode for episode in candidates if episode.executed.any()))

    def rasterize(self, title: str) -> np.ndarray:
        """Draws the landscape into an image, uint8 [H, W, 3]."""
        drawing = landscape_plots.draw(self._landscapes.at(self._moment), title=title)
        return landscape_plots.rasterize(drawing)

    def save(self, path: str | os.PathLike) -> None:
        """Draws the landscape into a PNG file.

        Raises:
            RunError: If the file cannot be written.
        """
        landscape_plots.save(self._landscapes.at(self._moment), path)
