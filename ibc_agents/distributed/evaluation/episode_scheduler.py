"""Assigns the episodes of one evaluation to evaluators."""

from __future__ import annotations

from collections.abc import Iterable

from ibc_agents.rollouts import evaluation


class EpisodeScheduler:
    """Assigns the episodes of an evaluation in chunks and collects their outcomes.

    An outcome depends on the seed and the episode alone. It may therefore come from any evaluator,
    late or repeatedly.

    Attributes:
        contributors: Names of the evaluators that reported the first outcome of an episode.
    """

    def __init__(self, seed: int, num_episodes: int, chunk_size: int) -> None:
        """Creates the scheduler with no episode assigned.

        Args:
            seed: Seed of the evaluation.
            num_episodes: Number of episodes.
            chunk_size: Largest number of episodes that an evaluator runs at once.
        """
        self._seed = seed
        self._num_episodes = num_episodes
        self._chunks = [
            range(first, min(first + chunk_size, num_episodes))
            for first in range(0, num_episodes, chunk_size)
        ]
        self._outcomes: dict[int, evaluation.Outcome] = {}
        self._assigned: dict[str, range] = {}
        self.contributors: set[str] = set()

    def record(self, evaluator: str, outcomes: Iterable[evaluation.Outcome]) -> None:
        """Records the outcomes that an evaluator reports.

        Args:
            evaluator: Name of the evaluator.
            outcomes: Outcomes of episodes; those of other evaluations are ignored.
        """
        for outcome in outcomes:
            is_known = 0 <= outcome.episode < self._num_episodes
            if is_known and outcome.episode not in self._outcomes:
                self._outcomes[outcome.episode] = outcome
                self.contributors.add(evaluator)

    def assign(self, evaluators: Iterable[str]) -> dict[str, range]:
        """Assigns a chunk to each evaluator, as far as there are unfinished ones.

        An evaluator keeps its chunk until all outcomes are known. The chunk of an absent evaluator
        is assigned to another one.

        Args:
            evaluators: Names of the evaluators that are present.

        Returns:
            The episodes of each evaluator that has a chunk.
        """
        names = sorted(evaluators)
        self._assigned = {
            name: chunk
            for name, chunk in self._assigned.items()
            if name in names and not self._is_finished(chunk)
        }
        free = [
            chunk
            for chunk in self._chunks
            if not self._is_finished(chunk) and chunk not in self._assigned.values()
        ]
        for name in names:
            if name not in self._assigned and free:
                self._assigned[name] = free.pop(0)
        return dict(self._assigned)

    @property
    def result(self) -> evaluation.Evaluation | None:
        """The evaluation; None until the outcomes of all episodes are known."""
        if len(self._outcomes) < self._num_episodes:
            return None
        ordered = (self._outcomes[number] for number in range(self._num_episodes))
        return evaluation.Evaluation(self._seed, tuple(ordered))

    def _is_finished(self, chunk: range) -> bool:
        return all(number in self._outcomes for number in chunk)
