"""Random generators of episodes, each a function of a seed and an episode index."""

from __future__ import annotations

import operator
from typing import SupportsIndex

import numpy as np

# Each use has an independent stream, so that a demonstrator's draws do not change the task.
_TASK_STREAM = 0
_DEMONSTRATION_STREAM = 1


class EpisodeSeeds:
    """Creates the random generators of the successive episodes of one environment.

    Episode j after `seed(s)` depends only on (s, j), and not on earlier episodes. Before the first
    call of `seed`, the seed comes from the operating system.
    """

    def __init__(self) -> None:
        self._seed: int = int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
        self._next_episode = 0
        self._current: tuple[int, int] | None = None

    def seed(self, seed: SupportsIndex) -> None:
        """Makes the next episode number 0 of `seed`. The current episode is not affected.

        Args:
            seed: An integer of at least 0, of any size.

        Raises:
            ValueError: If `seed` is not an integer of at least 0.
        """
        try:
            checked = operator.index(seed)
        except TypeError:
            raise ValueError(f"seed must be an integer, got {seed!r}") from None
        if checked < 0:
            raise ValueError(f"seed must be at least 0, got {checked}")
        self._seed = checked
        self._next_episode = 0

    def begin(self) -> np.random.Generator:
        """Advances to the next episode and returns the generator of its initial state."""
        self._current = (self._seed, self._next_episode)
        self._next_episode += 1
        return self._generator(_TASK_STREAM)

    def demonstration_rng(self) -> np.random.Generator:
        """Returns a new generator for the demonstrator of the current episode.

        Every call during an episode returns the same stream.

        Raises:
            ValueError: If no episode has begun.
        """
        return self._generator(_DEMONSTRATION_STREAM)

    def get_state(self) -> tuple[int, int, tuple[int, int] | None]:
        """Returns the complete state as an immutable value."""
        return self._seed, self._next_episode, self._current

    def set_state(self, state: tuple[int, int, tuple[int, int] | None]) -> None:
        """Restores a value that `get_state` returned."""
        self._seed, self._next_episode, self._current = state

    def _generator(self, stream: int) -> np.random.Generator:
        if self._current is None:
            raise ValueError("no episode has begun; call reset() first")
        seed, episode = self._current
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(episode, stream)))
