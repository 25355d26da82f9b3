"""Who evaluates which episodes; knows nothing of processes and servers."""

from __future__ import annotations

from collections.abc import Iterable

from ibc_agents.rollouts import evaluation


class SharedEvaluation:
    """The episodes of one evaluation, dealt in parts to whoever is there.

    An outcome depends on its episode alone, so it does not matter who reports it, or how often.

    Attributes:
        evaluators: the names of those who reported an outcome that was not known yet.
    """

    def __init__(self, seed: int, num_episodes: int, part: int) -> None:
        """Begins with nothing dealt.

        Args:
            seed: of the evaluation.
            num_episodes: in all.
            part: episodes that are dealt at once.
        """
        self._seed = seed
        self._parts = [
            range(first, min(first + part, num_episodes)) for first in range(0, num_episodes, part)
        ]
        self._outcomes: dict[int, evaluation.Outcome] = {}
        self._num_episodes = num_episodes
        self._dealt: dict[str, range] = {}
        self.evaluators: set[str] = set()

    def take(self, evaluator: str, outcomes: Iterable[evaluation.Outcome]) -> None:
        """Takes what an evaluator reports."""
        for outcome in outcomes:
            if outcome.episode not in self._outcomes:
                self._outcomes[outcome.episode] = outcome
                self.evaluators.add(evaluator)

    def deal(self, present: Iterable[str]) -> dict[str, range]:
        """Says who is to run which episodes, until it is asked again.

        Args:
            present: the names of all evaluators that are there now.

        Returns:
            Of those who are to run some, the episodes.
        """
        names = sorted(present)
        self._dealt = {
            name: part
            for name, part in self._dealt.items()
            if name in names and not self._is_known(part)
        }
        free = [
            part
            for part in self._parts
            if not self._is_known(part) and part not in self._dealt.values()
        ]
        for name in names:
            if name not in self._dealt and free:
                self._dealt[name] = free.pop(0)
        return dict(self._dealt)

    @property
    def result(self) -> evaluation.Evaluation | None:
        """The evaluation, once every episode is known."""
        if len(self._outcomes) < self._num_episodes:
            return None
        ordered = (self._outcomes[number] for number in range(self._num_episodes))
        return evaluation.Evaluation(self._seed, tuple(ordered))

    def _is_known(self, part: range) -> bool:
        return all(number in self._outcomes for number in part)
