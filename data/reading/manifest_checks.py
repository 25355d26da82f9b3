"""Compares a dataset folder with its manifest."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from data.shards import frame_chunks
from data.shards import manifest as manifest_lib


def find_file_difference(manifest: manifest_lib.Manifest, shards: Sequence[str]) -> str | None:
    """Compares the files of a dataset folder with its manifest.

    Args:
        manifest: The manifest of the folder.
        shards: Paths of the shards in the folder.

    Returns:
        A clause with the first difference, or None.
    """
    present = {os.path.basename(shard): shard for shard in shards}
    listed = {entry.name: entry for entry in manifest.shards}
    for name in sorted(listed.keys() - present.keys()):
        return f"the shard {name} is missing; copy the whole folder again"
    for name in sorted(present.keys() - listed.keys()):
        return f"the shard {name} is not in {manifest_lib.MANIFEST_NAME}; move it elsewhere"
    for name, path in present.items():
        try:
            found = manifest_lib.file_sha256(path)
        except OSError as error:
            return f"the shard {name} cannot be read ({error.strerror})"
        if found != listed[name].sha256:
            return (
                f"the shard {name} has SHA-256 {found[:12]}…, {manifest_lib.MANIFEST_NAME} says "
                f"{listed[name].sha256[:12]}…: it was changed or damaged; copy or write it again"
            )
    return None


def find_content_difference(
    manifest: manifest_lib.Manifest,
    counts: Mapping[str, frame_chunks.ShardCounts],
    dataset_hash: str,
) -> str | None:
    """Compares what the shards of a dataset folder contain with its manifest.

    Args:
        manifest: The manifest of the folder.
        counts: What each shard contains, by its path.
        dataset_hash: `episodes.combined_hash` of all episodes.

    Returns:
        A clause with the first difference, or None.
    """
    found = {os.path.basename(path): (c.episodes, c.frames) for path, c in counts.items()}
    for entry in manifest.shards:
        if found[entry.name] != (entry.episodes, entry.frames):
            episodes, frames = found[entry.name]
            return (
                f"the shard {entry.name} has {episodes} episodes of {frames} frames, "
                f"{manifest_lib.MANIFEST_NAME} says {entry.episodes} of {entry.frames}; write the "
                "dataset again"
            )
    if manifest.dataset_hash != dataset_hash:
        return (
            f"its content has hash {dataset_hash[:12]}…, {manifest_lib.MANIFEST_NAME} says "
            f"{manifest.dataset_hash[:12]}…; write the dataset again"
        )
    return None
