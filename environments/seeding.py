"""Where an episode's randomness comes from: a seed and the episode's number since that seed."""

from __future__ import annotations

import operator
from typing import SupportsIndex

import numpy as np

# One independent stream for each use, so that what a demonstrator draws never shifts the task.
_TASK_STREAM = 0
_DEMONSTRATION_STREAM = 1


class EpisodeSeeds:
    """Hands out the random generators of one environment's successive episodes.

    Episode j after `seed(s)` depends on (s, j) alone: on nothing that was drawn or done in
    earlier episodes. Until `seed` is called, the seed comes from the operating system.
    """

    def __init__(self) -> None:
        self._seed: int = int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
        self._next_episode = 0
        self._current: tuple[int, int] | None = None

    def seed(self, seed: SupportsIndex) -> None:
        """Makes the next episode number 0 of `seed`; a running episode is left as it is.

        Args:
            seed: An integer, 0 or greater, of any size.

        Raises:
            ValueError: If `seed` is no such integer.
        """
        try:
            checked = operator.index(seed)
        except TypeError:
            raise ValueError(f"seed must be an integer, got {seed!r}") from None
        if checked < 0:
            raise ValueError(f"seed must be 0 or greater, got {checked}")
        self._seed = checked
        self._next_episode = 0

    def begin(self) -> np.random.Generator:
        """Moves on to the next episode and returns the generator that draws its task."""
        self._current = (self._seed, self._next_episode)
        self._next_episode += 1
        return self._generator(_TASK_STREAM)

    def demonstration_rng(self) -> np.random.Generator:
        """A new generator for the current episode's demonstrator, the same at every call.

        Raises:
            ValueError: If no episode has begun.
        """
        return self._generator(_DEMONSTRATION_STREAM)

    def get_state(self) -> tuple[int, int, tuple[int, int] | None]:
        """All there is to restore, as an immutable value."""
        return self._seed, self._next_episode, self._current

    def set_state(self, state: tuple[int, int, tuple[int, int] | None]) -> None:
        """Restores what `get_state` returned."""
        self._seed, self._next_episode, self._current = state

    def _generator(self, stream: int) -> np.random.Generator:
        if self._current is None:
            raise ValueError("no episode has begun: call reset() first")
        seed, episode = self._current
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(episode, stream)))
