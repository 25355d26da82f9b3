"""Settings of a run, which gin configures by class and name."""

from __future__ import annotations

import dataclasses
import os

import gin

from ibc_agents.core import errors, setting_checks


@gin.configurable
@dataclasses.dataclass(frozen=True)
class DemonstrationSettings:
    """Choice of the demonstrations.

    Attributes:
        dataset: Folder, shard, glob, or a list of them. Default: the environment's own
            demonstrations, which are collected if they are missing.
        num_episodes: Number of episodes to collect, at least 1.
        seed: Seed of the collection, at least 0. Demonstration k depends on (seed, k) alone.
        num_processes: Number of processes that collect. Default: see `collection.collect`.
        validation_fraction: Fraction of the episodes that is held out, in [0, 1).
        top_return_fraction: Fraction of the episodes that is used, those with the highest returns,
            in (0, 1].
    """

    dataset: str | list[str] | None = None
    num_episodes: int = 2000
    seed: int = 0
    num_processes: int | None = None
    validation_fraction: float = 0.05
    top_return_fraction: float = 1.0

    def __post_init__(self):
        """Checks the settings.

        Raises:
            SettingError: If one has a wrong type or is out of range.
        """
        setting_checks.check_integers_of(self, num_episodes=1, seed=0)
        if self.num_processes is not None:
            setting_checks.check_integers_of(self, num_processes=1)
        _check_dataset(self.dataset)
        setting_checks.check_numbers_of(
            self,
            validation_fraction=setting_checks.FRACTION_BELOW_1,
            top_return_fraction=setting_checks.POSITIVE_FRACTION,
        )


@gin.configurable
@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """Length and intervals of the training, in training steps. All are at least 1.

    Attributes:
        num_steps: Number of training steps.
        batch_size: B, number of windows in a batch.
        checkpoint_interval: Steps between checkpoints. A kill loses at most this many steps.
        validation_interval: Steps between validation losses.
        summary_interval: Steps between TensorBoard scalars of the training.
        max_skipped_steps: Number of consecutive non-finite steps after which the run stops.
    """

    num_steps: int = 10_000
    batch_size: int = 512
    checkpoint_interval: int = 500
    validation_interval: int = 500
    summary_interval: int = 100
    max_skipped_steps: int = 50

    def __post_init__(self):
        """Checks the settings.

        Raises:
            SettingError: If one has a wrong type or is out of range.
        """
        setting_checks.check_integers_of(
            self, **{field.name: 1 for field in dataclasses.fields(self)}
        )


@gin.configurable
@dataclasses.dataclass(frozen=True)
class EvaluationSettings:
    """Evaluations during the training and at its end.

    Attributes:
        num_episodes: Number of episodes of the final evaluation, at least 1.
        seed: Seed of the final evaluation, at least 0. Episode k depends on (seed, k) alone.
        batch_size: Number of episodes that run at once, at least 1. It does not change outcomes.
        interval: Training steps between evaluations during the training, at least 1. They use
            other seeds than the final evaluation.
        interval_episodes: Number of episodes of an evaluation during the training, at least 1.
        recorded_episodes: Number of episodes of the final evaluation in the video, at least 0.
    """

    num_episodes: int = 100
    seed: int = 0
    batch_size: int = 25
    interval: int = 2_000
    interval_episodes: int = 25
    recorded_episodes: int = 4

    def __post_init__(self):
        """Checks the settings.

        Raises:
            SettingError: If one has a wrong type or is out of range.
        """
        setting_checks.check_integers_of(
            self,
            num_episodes=1,
            seed=0,
            batch_size=1,
            interval=1,
            interval_episodes=1,
            recorded_episodes=0,
        )


@gin.configurable
@dataclasses.dataclass(frozen=True)
class GatheringSettings:
    """Episodes that the actors of a distributed job gather while it trains.

    Attributes:
        num_episodes: Number of episodes that the job gathers, at least 1.
        successes_only: Whether episodes without success are dropped.
        demonstrator_share: Fraction of the episodes in which the demonstrator acts, in [0, 1]. The
            newest policy acts in the others.
        relabel: Whether the demonstrator's action is recorded where the policy acts (DAgger).
        batch_size: Number of episodes that run at once, at least 1.

    References:
        Ross et al., "A Reduction of Imitation Learning and Structured Prediction to No-Regret
        Online Learning", 2011, Alg. 3.1. https://arxiv.org/abs/1011.0686
    """

    num_episodes: int = 1_000
    successes_only: bool = True
    demonstrator_share: float = 0.0
    relabel: bool = False
    batch_size: int = 25

    def __post_init__(self):
        """Checks the settings.

        Raises:
            SettingError: If one has a wrong type or is out of range.
        """
        setting_checks.check_integers_of(self, num_episodes=1, batch_size=1)
        setting_checks.check_numbers_of(self, demonstrator_share=setting_checks.FRACTION)
        setting_checks.check_flag("GatheringSettings.successes_only", self.successes_only)
        setting_checks.check_flag("GatheringSettings.relabel", self.relabel)


def _check_dataset(dataset: object) -> None:
    """Refuses what is neither a path nor a list of paths."""
    if dataset is None:
        return
    paths = dataset if isinstance(dataset, (list, tuple)) else [dataset]
    if not paths or not all(isinstance(path, (str, os.PathLike)) for path in paths):
        raise errors.SettingError(
            "DemonstrationSettings.dataset must be a path or a list of paths, in quotation marks; "
            f"got {dataset!r}."
        )
