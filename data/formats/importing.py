"""Writes the episodes of an importer into a dataset folder."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tensorflow as tf
import tqdm

from data.episodes import Episode, specs
from data.errors import DataError
from data.shards import encoding, manifest
from data.writing import EpisodeWriter


def write_imported(
    folder: str | os.PathLike,
    imported: Iterable[Episode | None],
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
        imported: The episodes, all of one structure; None for one without an executed action,
            which is omitted.
        total: Number of episodes that the source says it has.
        origin: Where they come from, for the manifest.
        action_spec: Nest of tensor specs of one action, if its bounds are known; by default
            unbounded.
        num_shards: Number of shards.
        image_format: How images are stored.

    Returns:
        The manifest.

    Raises:
        DataError: If there is no episode, one cannot be used, there are fewer or more than
            `total`, or the folder cannot be written.
    """
    counted = tqdm.tqdm(_count(folder, imported, total), desc="import", unit="episode", total=total)
    remaining = (episode for episode in counted if episode is not None)
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
        advice = _advise_keys("observation", spec.observation, _is_storable)
        raise DataError(f"{folder}: {error}. {advice}") from error
    for name, leaf in specs.named_leaves({"action": spec.action}):
        if not leaf.dtype.is_floating:
            advice = _advise_keys("action", spec.action, lambda leaf: leaf.dtype.is_floating)
            raise DataError(
                f"{folder}: {name} has dtype {leaf.dtype.name}, and agents learn actions of float"
                f" numbers. {advice}"
            )
    with EpisodeWriter(
        folder, spec, num_shards=num_shards, image_format=image_format, extra=origin
    ) as writer:
        for episode in itertools.chain([first], remaining):
            writer.write(episode)
    return manifest.read_manifest(os.path.expanduser(folder))


def _count(
    folder: str | os.PathLike, imported: Iterable[Episode | None], total: int
) -> Iterator[Episode | None]:
    """Yields the episodes; raises a DataError at the end unless there were `total`."""
    number = 0
    for episode in imported:
        number += 1
        yield episode
    if number != total:
        raise DataError(
            f"{folder}: not written, because the source says that it has {total} episodes and has"
            f" {number}; it is damaged, or its writer did not finish."
        )


def _is_storable(leaf: tf.TypeSpec) -> bool:
    return leaf.dtype in specs.STORABLE_DTYPES and 0 not in leaf.shape


def _advise_keys(part: str, spec: Any, is_usable: Callable[[tf.TypeSpec], bool]) -> str:
    """Returns which parts of an observation or an action can be imported, as a flag."""
    parts = spec if isinstance(spec, dict) else {}
    usable = [key for key, leaf in parts.items() if all(map(is_usable, tf.nest.flatten(leaf)))]
    if not usable or len(usable) == len(parts):
        return f"It cannot be imported with this {part}."
    return f"Import the parts that can be used: --{part}_keys={','.join(usable)}."
