"""The seeds of an episode, derived from the seed of a rollout and the number of the episode."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class RolloutSeeds(NamedTuple):
    """The two seeds that determine an episode.

    The environment derives the random streams of its task and of its demonstrator from its seed;
    see `environments.seeding`.

    Attributes:
        environment: Seed for the environment, in [0, 2³²).
        actor: Seed for the actor, int32 [2].
    """

    environment: int
    actor: np.ndarray


def for_evaluation(seed: int, episode: int) -> RolloutSeeds:
    """Returns the seeds of an evaluation episode.

    The actor's seed consists of words 0 and 1 of `numpy.random.SeedSequence([seed, episode])`, and
    the environment's seed is word 2.

    Args:
        seed: Seed of the evaluation, at least 0.
        episode: Number of the episode, at least 0.
    """
    words = _words(seed, episode)
    return RolloutSeeds(int(words[2]), words[:2].view(np.int32))


def for_collection(seed: int, episode: int) -> RolloutSeeds:
    """Returns the seeds of a collected demonstration.

    The environment's seed is word 0 of `numpy.random.SeedSequence([seed, episode])`, which no
    evaluation uses for an environment. Therefore an evaluation with the seed of a dataset has other
    initial states than the demonstrations.

    Args:
        seed: Seed of the dataset, at least 0.
        episode: Number of the demonstration, at least 0.
    """
    words = _words(seed, episode)
    return RolloutSeeds(int(words[0]), words[1:].view(np.int32))


def draw(generator: np.random.Generator) -> RolloutSeeds:
    """Draws the seeds of an episode that need not be repeatable."""
    words = generator.integers(2**32, size=3, dtype=np.uint32)
    return RolloutSeeds(int(words[2]), words[:2].view(np.int32))


def _words(seed: int, episode: int) -> np.ndarray:
    """Returns the first words of an episode's seed sequence, uint32 [3]."""
    return np.random.SeedSequence([seed, episode]).generate_state(3, np.uint32)
