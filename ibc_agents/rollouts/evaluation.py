"""Evaluation: runs a policy in batches of episodes and summarizes their outcomes."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from environments import base
from ibc_agents.rollouts import (
    actors,
    confidence_intervals,
    episode_loop,
    recorders,
    rollout_seeds,
)

OnImage = Callable[[int, np.ndarray], None]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of one episode.

    Attributes:
        episode: Number k of the episode. With the seed of the evaluation it determines the episode.
        success: Whether the episode was a success, as the environment defines it.
        total_reward: Undiscounted sum of the rewards.
        steps: Number of actions.
        normalized_score: `total_reward` on the scale of the environment's benchmark, or None if the
            environment belongs to no benchmark with such a scale.
    """

    episode: int
    success: bool
    total_reward: float
    steps: int
    normalized_score: float | None = None


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The outcomes of an evaluation.

    Attributes:
        seed: Seed of the evaluation.
        outcomes: Outcomes of episodes 0 to n − 1, n ≥ 1.
    """

    seed: int
    outcomes: tuple[Outcome, ...]

    @property
    def success_rate(self) -> float:
        """The proportion of successful episodes, in [0, 1]."""
        return float(np.mean([outcome.success for outcome in self.outcomes]))

    @property
    def mean_return(self) -> float:
        """The mean of the episodes' undiscounted returns."""
        return float(np.mean([outcome.total_reward for outcome in self.outcomes]))

    def summary(self) -> dict[str, Any]:
        """Returns estimates with intervals and all outcomes, as JSON types for `results.json`."""
        return {
            "success": confidence_intervals.describe_proportion(
                sum(outcome.success for outcome in self.outcomes), len(self.outcomes)
            ),
            "return": confidence_intervals.describe_mean(
                [outcome.total_reward for outcome in self.outcomes]
            ),
            "normalized_score": self._describe_scores(),
            "evaluation_seed": self.seed,
            "episodes": [dataclasses.asdict(outcome) for outcome in self.outcomes],
        }

    def format_summary(self) -> str:
        """Returns one line of text: estimates with their intervals in parentheses."""
        summary = self.summary()
        success, score = summary["success"], summary["normalized_score"]
        low, high = success["interval"]
        parts = [
            f"success {success['successes']}/{success['episodes']} = {success['rate']:.1%} "
            f"({success['confidence']:.0%} interval {low:.1%} to {high:.1%})",
            f"return {_format_mean(summary['return'])}",
            *([f"normalized score {_format_mean(score)}"] if score else []),
            f"seed {self.seed}",
        ]
        return ", ".join(parts)

    def _describe_scores(self) -> dict[str, Any] | None:
        scores = [outcome.normalized_score for outcome in self.outcomes]
        known = [score for score in scores if score is not None]
        if len(known) < len(scores):
            return None
        return confidence_intervals.describe_mean(known)


def evaluate(
    policy: actors.Policy,
    make_environment: Callable[[], base.Environment],
    num_episodes: int,
    seed: int,
    batch_size: int = 25,
    on_image: OnImage | None = None,
    num_recorded: int = 0,
) -> Evaluation:
    """Evaluates a policy in episodes 0 to `num_episodes` − 1.

    Episode k depends on (seed, k) alone, through the seeds of its environment and of its row of
    `policy_state["seed"]`. The batch size therefore affects the duration only.

    Args:
        policy: A TensorFlow policy or a loaded SavedModel of one.
        make_environment: Makes one environment.
        num_episodes: Number of episodes, at least 1.
        seed: Seed of the evaluation, at least 0.
        batch_size: Number of episodes that run at once, at least 1.
        on_image: Called with the number of an episode and an image, uint8 [H, W, 3], at every
            frame of the recorded episodes.
        num_recorded: Number of recorded episodes, which are the first ones.

    Returns:
        The outcomes, in the order of the episodes.

    Raises:
        ValueError: If a number is out of range.
    """
    if min(num_episodes, batch_size) < 1 or seed < 0:
        raise ValueError(
            "evaluate needs num_episodes ≥ 1, batch_size ≥ 1 and seed ≥ 0, got "
            f"{num_episodes}, {batch_size}, {seed}."
        )
    rows = min(batch_size, num_episodes)
    with contextlib.closing(EpisodeRunner(policy, make_environment, rows)) as runner:
        outcomes = runner.run(seed, range(num_episodes), on_image, num_recorded)
    return Evaluation(seed, tuple(outcomes))


class EpisodeRunner:
    """Runs evaluation episodes of any numbers and seeds with one policy, which is traced once.

    Args:
        policy: A TensorFlow policy or a loaded SavedModel of one.
        make_environment: Makes one environment.
        batch_size: Number of episodes that run at once, at least 1.
    """

    def __init__(
        self,
        policy: actors.Policy,
        make_environment: Callable[[], base.Environment],
        batch_size: int,
    ) -> None:
        self._actor = actors.PolicyActor(policy)
        self._environment = base.vectorize(make_environment, batch_size)

    def run(
        self,
        seed: int,
        episodes: range,
        on_image: OnImage | None = None,
        num_recorded: int = 0,
    ) -> list[Outcome]:
        """Runs episodes of consecutive numbers.

        Args:
            seed: Seed of the evaluation, at least 0.
            episodes: Numbers of the episodes.
            on_image: See `evaluate`.
            num_recorded: Number of these episodes that are recorded, which are the first ones.

        Returns:
            The outcomes, in the order of the episodes.
        """
        environment = self._environment
        outcomes: list[Outcome] = []
        recorded = episodes[:num_recorded]
        for first in range(episodes.start, episodes.stop, environment.batch_size):
            # The last batch is as large as the others, so that the policy is traced once. Its
            # surplus episodes are dropped.
            numbers = range(first, first + environment.batch_size)
            recorder = recorders.OutcomeRecorder(environment)
            observers: list[episode_loop.Observer] = [recorder]
            if on_image is not None:
                rows = {row: number for row, number in enumerate(numbers) if number in recorded}
                observers.append(recorders.ImageRecorder(rows, on_image))
            seeds = [rollout_seeds.for_evaluation(seed, number) for number in numbers]
            episode_loop.run_episodes(environment, self._actor, seeds, observers)
            outcomes += self._outcomes(numbers, recorder.outcomes)
        return outcomes[: len(episodes)]

    def close(self) -> None:
        """Closes the environment."""
        self._environment.close()

    def _outcomes(self, numbers: range, rows: recorders.RowOutcomes) -> list[Outcome]:
        return [
            Outcome(
                number,
                bool(success),
                float(total),
                int(steps),
                self._environment.normalized_score(float(total)),
            )
            for number, success, total, steps in zip(numbers, *rows, strict=True)
        ]


def _format_mean(described: dict[str, Any]) -> str:
    mean = f"{described['mean']:.2f}"
    if described["interval"] is None:
        return mean
    low, high = described["interval"]
    return f"{mean} ({low:.2f} to {high:.2f})"
