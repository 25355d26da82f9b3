"""What a run looks at while it trains: demonstrations that it does not learn from."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from tf_agents.trajectories import trajectory

from data.reading import demonstrations as demonstrations_lib
from data.sources import in_memory_source
from ibc_agents.agents import behavioral_cloning_agent
from ibc_agents.visualization import energy_landscape, landscape_moments

_BATCHES = 4
# Of pictures of the energy: what their samples are drawn from, and grid points along a dimension
# (they are drawn at every evaluation, and must not cost much).
_SEED = np.zeros(2, np.int32)
_RESOLUTION = 61


def batches(
    opened: demonstrations_lib.Demonstrations, window: int, batch_size: int
) -> list[trajectory.Trajectory]:
    """Returns a few batches ``[B, T, …]`` of held-out windows; none if nothing is held out."""
    if not len(opened.validation):
        return []
    source = in_memory_source.InMemorySource()
    source.load(opened.validation, opened.spec)
    endless = source.dataset(window, batch_size, seed=0)
    return [experience for experience, _ in itertools.islice(endless, _BATCHES)]


def look(
    agent: behavioral_cloning_agent.BehavioralCloningAgent,
    opened: demonstrations_lib.Demonstrations,
) -> Callable[[], energy_landscape.Landscape] | None:
    """Returns what computes the energy in the middle of a held-out episode.

    Of a training episode if none is held out; None if the agent has no energy.
    """
    if not isinstance(agent, energy_landscape.EnergyAgent):
        return None
    episodes = itertools.chain(opened.validation, opened.train)
    episode = next(episode for episode in episodes if episode.executed.any())
    moments = landscape_moments.recall_demonstration(agent.policy, episode, _SEED)
    middle = next(itertools.islice(moments, int(episode.executed.sum()) // 2, None))
    landscapes = energy_landscape.Landscapes(agent, resolution=_RESOLUTION)
    return lambda: landscapes.at(middle)
