"""What a run must know of its demonstrations beside the frames themselves."""

from __future__ import annotations

import dataclasses

from tf_agents.trajectories import trajectory

from data.episodes import dataset_statistics as data_statistics
from data.reading import demonstrations as demonstrations_lib


@dataclasses.dataclass(frozen=True)
class DatasetCard:
    """Enough to make the agent and to tell where it comes from.

    Attributes:
        name: of the dataset.
        dataset_hash: of its episodes.
        spec: Trajectory of `tf.TensorSpec` of one frame.
        statistics: of the training split, in the environment's units.
        train_episodes: episodes that are learned from.
        validation_episodes: episodes that are held out.
    """

    name: str
    dataset_hash: str
    spec: trajectory.Trajectory
    statistics: data_statistics.Statistics
    train_episodes: int
    validation_episodes: int


def describe(opened: demonstrations_lib.Demonstrations) -> DatasetCard:
    """Takes the statistics in one pass over the training split.

    Raises:
        data.DataError: if there is no frame with an executed action.
    """
    return DatasetCard(
        name=opened.name,
        dataset_hash=opened.dataset_hash,
        spec=opened.spec,
        statistics=data_statistics.compute_statistics(opened.train, opened.spec),
        train_episodes=len(opened.train),
        validation_episodes=len(opened.validation),
    )
