"""Writes the episodes of an importer into a dataset folder."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable
from typing import Any

import tensorflow as tf
import tqdm

from data.episodes import Episode, specs
from data.errors import DataError
from data.shards import encoding, manifest
from data.writing import EpisodeWriter


def write_imported(
    folder: str | os.PathLike,
    imported: Iterable[Episode],
    total: int,
    origin: dict[str, Any],
    *,
    action_spec: Any = None,
    num_shards: int = 1,
    image_format: encoding.ImageFormat = "png",
) -> manifest.Manifest:
    """Writes episodes into a new dataset folder, with a progress bar.

    Args:
        folder: Must be absent or empty.
        imported: The episodes, all of one structure.
        total: Number of episodes.
        origin: Where they come from, for the manifest.
        action_spec: Nest of tensor specs of one action, if its bounds are known; by default
            unbounded.
        num_shards: Number of shards.
        image_format: How images are stored.

    Returns:
        The manifest.

    Raises:
        DataError: If there is no episode, one cannot be used, or the folder cannot be written.
    """
    remaining = iter(imported)
    first = next(remaining, None)
    if first is None:
        raise DataError(f"{folder}: there is no episode to write.")
    spec = tf.nest.map_structure(
        lambda leaf: tf.TensorSpec(leaf.shape[1:], leaf.dtype), first.frames
    )
    if action_spec is not None:
        spec = spec._replace(action=action_spec)
    try:
        spec = specs.as_trajectory_spec(spec)
    except DataError as error:
        raise DataError(
            f"{folder}: {error}. Import only the parts of the observation that an agent can use."
        ) from error
    with EpisodeWriter(
        folder, spec, num_shards=num_shards, image_format=image_format, extra=origin
    ) as writer:
        episodes = itertools.chain([first], remaining)
        for episode in tqdm.tqdm(episodes, desc="import", unit="episode", total=total):
            writer.write(episode)
    return manifest.read_manifest(os.path.expanduser(folder))
