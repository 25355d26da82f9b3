"""Many episodes as one batch through a policy, and what they say about it."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.utils import common

from environments import base

CONFIDENCE = 0.95
_CONFIDENCE_Z = 1.959963984540054


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one episode.

    Attributes:
        episode: its number k; with the evaluation's seed it decides all of the episode.
        success: as the environment defines it.
        total_reward: undiscounted sum of rewards.
        steps: actions taken.
        normalized_score: `total_reward` on the scale of the environment's benchmark, None where it
            is of none.
    """

    episode: int
    success: bool
    total_reward: float
    steps: int
    normalized_score: float | None = None


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The outcomes of episodes 0 … n − 1 of one seed."""

    seed: int
    outcomes: tuple[Outcome, ...]

    @property
    def success_rate(self) -> float:
        """Share of successful episodes, in [0, 1]."""
        return float(np.mean([outcome.success for outcome in self.outcomes]))

    @property
    def mean_return(self) -> float:
        """Mean of the episodes' returns."""
        return float(np.mean([outcome.total_reward for outcome in self.outcomes]))

    def summary(self) -> dict[str, Any]:
        """Returns what results.json says, of JSON types."""
        successes = sum(outcome.success for outcome in self.outcomes)
        low, high = wilson_interval(successes, len(self.outcomes))
        return {
            "success": {
                "rate": self.success_rate,
                "interval": [low, high],
                "confidence": CONFIDENCE,
                "successes": successes,
                "episodes": len(self.outcomes),
            },
            "return": describe_mean([outcome.total_reward for outcome in self.outcomes]),
            "normalized_score": self._describe_scores(),
            "evaluation_seed": self.seed,
            "episodes": [dataclasses.asdict(outcome) for outcome in self.outcomes],
        }

    def sentence(self) -> str:
        """Returns one line for people; what is in brackets are intervals."""
        summary = self.summary()
        success, score = summary["success"], summary["normalized_score"]
        low, high = success["interval"]
        parts = [
            f"success {success['successes']}/{success['episodes']} = {success['rate']:.1%} "
            f"({CONFIDENCE:.0%} interval {low:.1%} to {high:.1%})",
            f"return {_tell(summary['return'])}",
            *([f"normalised score {_tell(score)}"] if score else []),
            f"seed {self.seed}",
        ]
        return ", ".join(parts)

    def _describe_scores(self) -> dict[str, Any] | None:
        scores = [outcome.normalized_score for outcome in self.outcomes]
        known = [score for score in scores if score is not None]
        return describe_mean(known) if len(known) == len(scores) else None


def evaluate(
    policy: Any,
    make_environment: Callable[[], base.Environment],
    num_episodes: int,
    seed: int,
    batch_size: int = 25,
    on_frame: Callable[[int, np.ndarray], None] | None = None,
    num_recorded: int = 0,
) -> Evaluation:
    """Runs episodes 0 … `num_episodes` − 1.

    Episode k depends on (seed, k) alone: its environment and, through `policy_state['seed']`, its
    policy are seeded from them. So the batch size changes the time it takes, not the outcomes.

    Args:
        policy: a TF policy or a loaded SavedModel; `get_initial_state` and `action` are used.
        make_environment: makes one environment.
        num_episodes: at least 1.
        seed: not negative.
        batch_size: episodes that run at once, at least 1.
        on_frame: called with (episode, uint8 picture [H, W, 3]) for each step of recorded episodes.
        num_recorded: the first so many episodes are recorded.

    Returns:
        The outcomes, in the order of episodes.

    Raises:
        ValueError: if a number is out of range.
    """
    if min(num_episodes, batch_size) < 1 or seed < 0:
        raise ValueError(
            "evaluate needs num_episodes ≥ 1, batch_size ≥ 1 and seed ≥ 0, got "
            f"{num_episodes}, {batch_size}, {seed}."
        )
    rows = min(batch_size, num_episodes)
    with contextlib.closing(EpisodeRunner(policy, make_environment, rows)) as runner:
        outcomes = runner.run(seed, range(num_episodes), on_frame, num_recorded)
    return Evaluation(seed, tuple(outcomes))


class EpisodeRunner:
    """Runs any episodes of any seed, as `evaluate` does; the policy is traced once."""

    def __init__(
        self, policy: Any, make_environment: Callable[[], base.Environment], batch_size: int
    ):
        """Makes the environment.

        Args:
            policy: a TF policy or a loaded SavedModel; `get_initial_state` and `action` are used.
            make_environment: makes one environment.
            batch_size: episodes that run at once, at least 1.
        """
        self._policy = policy
        self._rows = batch_size
        self._environment = base.vectorize(make_environment, batch_size)
        self._action_fn = common.function(policy.action)

    def run(
        self,
        seed: int,
        episodes: range,
        on_frame: Callable[[int, np.ndarray], None] | None = None,
        num_recorded: int = 0,
    ) -> list[Outcome]:
        """Runs episodes of consecutive numbers.

        Args:
            seed: not negative.
            episodes: their numbers.
            on_frame: as `evaluate` takes it.
            num_recorded: the first so many of these episodes are recorded.

        Returns:
            One outcome an episode, in their order.
        """
        outcomes: list[Outcome] = []
        for first in range(episodes.start, episodes.stop, self._rows):
            # The last wave is as wide as the others, so that the policy is traced once; its extra
            # episodes are dropped.
            numbers = range(first, first + self._rows)
            wave = _Wave(self._environment, self._policy, self._action_fn, seed, numbers)
            recorded = range(min(max(episodes.start + num_recorded - first, 0), self._rows))
            for _ in wave.run():
                if on_frame is not None:
                    for row in recorded:
                        if wave.running[row] or wave.just_ended[row]:
                            on_frame(first + row, self._environment.render(row))
            outcomes += wave.outcomes()
        return outcomes[: len(episodes)]

    def close(self) -> None:
        """Closes the environment."""
        self._environment.close()


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Returns the 95 % score interval of a proportion (Wilson, 1927)."""
    z, share = _CONFIDENCE_Z, successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    spread = math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    half_width = z / (1 + z**2 / trials) * spread
    # At 0 and at n the ends are exactly 0 and 1; rounding must not carry them past it.
    return max(centre - half_width, 0.0), min(centre + half_width, 1.0)


def describe_mean(values: Sequence[float]) -> dict[str, Any]:
    """Returns mean, standard deviation and the mean's 95 % interval, of JSON types.

    The interval takes the mean to be normally distributed. Of a single value there is neither
    deviation nor interval.
    """
    mean = float(np.mean(values))
    if len(values) == 1:
        return {"mean": mean, "standard_deviation": None, "interval": None}
    deviation = float(np.std(values, ddof=1))
    half_width = _CONFIDENCE_Z * deviation / math.sqrt(len(values))
    interval = [mean - half_width, mean + half_width]
    return {"mean": mean, "standard_deviation": deviation, "interval": interval}


def episode_seeds(seed: int, episode: int) -> tuple[int, np.ndarray]:
    """Returns an episode's environment seed and its policy seed, int32 ``[2]``."""
    words = np.random.SeedSequence([seed, episode]).generate_state(3, np.uint32)
    return int(words[2]), words[:2].view(np.int32)


def _tell(described: dict[str, Any]) -> str:
    told = f"{described['mean']:.2f}"
    if described["interval"] is None:
        return told
    low, high = described["interval"]
    return f"{told} ({low:.2f} to {high:.2f})"


class _Wave:
    """One batch of episodes, from their first step to the last one's end."""

    def __init__(self, environment, policy, action_fn, seed, episodes):
        self._environment = environment
        self._policy = policy
        self._action_fn = action_fn
        self._episodes = episodes
        self._seeds = [episode_seeds(seed, episode) for episode in episodes]
        self.running = np.ones(len(episodes), bool)
        self.just_ended = np.zeros(len(episodes), bool)
        self._success = np.zeros(len(episodes), bool)
        self._return = np.zeros(len(episodes))
        self._steps = np.zeros(len(episodes), int)

    def run(self) -> Iterator[None]:
        """Steps until all have ended; yields after the reset and after each step."""
        self._environment.seed([environment_seed for environment_seed, _ in self._seeds])
        time_step = self._environment.reset()
        state = self._policy.get_initial_state(len(self._episodes))
        if isinstance(state, dict) and "seed" in state:
            state["seed"] = tf.constant(np.stack([policy_seed for _, policy_seed in self._seeds]))
        yield
        while self.running.any():
            step = self._action_fn(tf.nest.map_structure(tf.constant, time_step), state)
            state = step.state
            action = tf.nest.map_structure(lambda leaf: leaf.numpy(), step.action)
            time_step = self._environment.step(action)
            self._take(time_step)
            yield

    def outcomes(self) -> list[Outcome]:
        """Returns the outcomes of all rows."""
        return [
            Outcome(
                episode,
                bool(success),
                float(total),
                int(steps),
                self._environment.normalized_score(float(total)),
            )
            for episode, success, total, steps in zip(
                self._episodes, self._success, self._return, self._steps, strict=True
            )
        ]

    def _take(self, time_step: ts.TimeStep) -> None:
        self._return += np.where(self.running, time_step.reward, 0.0)
        self._steps += self.running
        self.just_ended = self.running & time_step.is_last()
        self._success = np.where(self.just_ended, self._environment.success, self._success)
        self.running &= ~self.just_ended
