"""Common parts of exporters: the dataset, its episodes, and an atomically created folder."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator

import tqdm

from data.episodes import Episode
from data.errors import DataError
from data.reading import Demonstrations
from data.writing import staging_folder
from ibc_agents.core import files


def open_for_export(path: str) -> Demonstrations:
    """Opens a dataset with all episodes in the training split."""
    return Demonstrations.open(path, validation_fraction=0.0)


def describe_origin(dataset: Demonstrations) -> str:
    """Returns the description that exported datasets contain."""
    return f"Exported from {dataset.name}, dataset hash {dataset.dataset_hash}."


def iterate_with_progress(dataset: Demonstrations) -> Iterator[Episode]:
    """Yields the training episodes of a dataset, with a progress bar."""
    yield from tqdm.tqdm(dataset.train, desc="export", unit="episode")


def ends_task(episode: Episode) -> bool:
    """Returns whether the last action ended the task, rather than a time limit.

    The action that ends the task has discount 0. Some D4RL conversions set it at the closing frame
    instead, so the last two frames count.
    """
    return not episode.frames.discount[-2:].all()


@contextlib.contextmanager
def complete_folder(folder: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a hidden folder, which is renamed to `folder` if the block ends without an error.

    Raises:
        DataError: If `folder` is not empty, another process is writing it, or it cannot be written.
    """
    staging = staging_folder.StagingFolder(folder)
    try:
        staging.clear()
        with files.report_disk_errors(folder, DataError):
            yield staging.path
        staging.publish()
    finally:
        staging.close()
