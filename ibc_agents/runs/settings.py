"""The numbers of a run, as values; gin sets them by class and name."""

from __future__ import annotations

import dataclasses

import gin


@gin.configurable
@dataclasses.dataclass(frozen=True)
class DemonstrationSettings:
    """Which demonstrations to learn from.

    Attributes:
        dataset: folder, shard, glob, or a list of them; by default the environment's own
            demonstrations, collected if they are not there.
        num_episodes: episodes to collect.
        seed: demonstration k depends on (seed, k) alone.
        num_processes: that collect them; by default as `collection.collect` chooses.
        validation_fraction: of the episodes, held out; in [0, 1).
        top_return_fraction: of the episodes, the share with the highest returns that is learned
            from and held out; the others are left out; in (0, 1].
    """

    dataset: str | list[str] | None = None
    num_episodes: int = 2000
    seed: int = 0
    num_processes: int | None = None
    validation_fraction: float = 0.05
    top_return_fraction: float = 1.0

    def __post_init__(self):
        """Checks the ranges."""
        _at_least(self, num_episodes=1, seed=0)
        if self.num_processes is not None:
            _at_least(self, num_processes=1)


@gin.configurable
@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """How long to train, and how often to look.

    Attributes:
        num_steps: train steps in all.
        batch_size: B.
        checkpoint_interval: steps between checkpoints; what a kill can cost.
        validation_interval: steps between losses on held-out episodes.
        summary_interval: steps between TensorBoard scalars of training.
        max_skipped_steps: steps in a row that are not finite before the run stops.
    """

    num_steps: int = 10_000
    batch_size: int = 512
    checkpoint_interval: int = 500
    validation_interval: int = 500
    summary_interval: int = 100
    max_skipped_steps: int = 50

    def __post_init__(self):
        """Checks the ranges."""
        _at_least(self, **{field.name: 1 for field in dataclasses.fields(self)})


@gin.configurable
@dataclasses.dataclass(frozen=True)
class EvaluationSettings:
    """How success is measured.

    Attributes:
        num_episodes: of the final evaluation.
        seed: of the final evaluation; episode k depends on (seed, k) alone.
        batch_size: episodes that run at once; changes the time, not the outcomes.
        interval: steps between the evaluations that watch a run; they use other seeds.
        watched_episodes: of each of those.
        recorded_episodes: of the final evaluation, that the video shows.
    """

    num_episodes: int = 100
    seed: int = 0
    batch_size: int = 25
    interval: int = 2_000
    watched_episodes: int = 25
    recorded_episodes: int = 4

    def __post_init__(self):
        """Checks the ranges."""
        _at_least(
            self,
            num_episodes=1,
            seed=0,
            batch_size=1,
            interval=1,
            watched_episodes=1,
            recorded_episodes=0,
        )


@gin.configurable
@dataclasses.dataclass(frozen=True)
class GatheringSettings:
    """What the actors of a distributed job gather while it trains.

    Attributes:
        num_episodes: that the job takes in all.
        successes_only: whether episodes without success are left out.
        demonstrator_share: of the episodes, those that the demonstrator acts in; the newest policy
            acts in the others; in [0, 1].
        relabel: whether the demonstrator says what is recorded as the action where the policy acts
            (DAgger; Ross et al., 2011).
        batch_size: episodes that run at once.
    """

    num_episodes: int = 1_000
    successes_only: bool = True
    demonstrator_share: float = 0.0
    relabel: bool = False
    batch_size: int = 25

    def __post_init__(self):
        """Checks the ranges."""
        _at_least(self, num_episodes=1, demonstrator_share=0, batch_size=1)
        if self.demonstrator_share > 1.0:
            raise ValueError(
                "GatheringSettings.demonstrator_share must be at most 1, got "
                f"{self.demonstrator_share}."
            )


def _at_least(settings, **smallest: int) -> None:
    for name, least in smallest.items():
        if getattr(settings, name) < least:
            raise ValueError(
                f"{type(settings).__name__}.{name} must be at least {least}, "
                f"got {getattr(settings, name)}."
            )
