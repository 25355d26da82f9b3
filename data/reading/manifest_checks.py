"""Compares dataset folders with their manifests."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence

from data.episodes import combined_hash
from data.shards import frame_chunks, shard_paths
from data.shards import manifest as manifest_lib


def read_manifests(paths: shard_paths.Paths) -> dict[str, manifest_lib.Manifest]:
    """Reads the manifests of all folders among some paths.

    Args:
        paths: A folder, a shard, a glob, or a list of those.

    Returns:
        The manifests by folder. Folders without one are omitted.

    Raises:
        DataError: If a manifest is damaged.
    """
    listed = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    folders = list(map(shard_paths.local_path, listed))
    return {
        folder: manifest_lib.read_manifest(folder)
        for folder in folders
        if os.path.lexists(os.path.join(folder, manifest_lib.MANIFEST_NAME))
    }


def find_file_difference(folder: str, manifest: manifest_lib.Manifest) -> str | None:
    """Compares the files of a dataset folder with its manifest.

    Returns:
        A clause with the first difference, or None.
    """
    present = {os.path.basename(path): path for path in shard_paths.resolve_shards(folder)}
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
    folder: str,
    manifest: manifest_lib.Manifest,
    counts: Mapping[str, frame_chunks.ShardCounts],
    content_hashes: Sequence[str],
) -> str | None:
    """Compares what the shards of a dataset folder contain with its manifest.

    Args:
        folder: The folder.
        manifest: Its manifest.
        counts: What each shard contains, by its path. There may be shards of other folders too.
        content_hashes: Content hashes of all episodes, in the order of `counts`.

    Returns:
        A clause with the first difference, or None.
    """
    remaining = iter(content_hashes)
    hashes = {path: list(itertools.islice(remaining, c.episodes)) for path, c in counts.items()}
    paths = {os.path.join(folder, entry.name): entry for entry in manifest.shards}
    for path, entry in paths.items():
        episodes, frames = counts[path].episodes, counts[path].frames
        if (episodes, frames) != (entry.episodes, entry.frames):
            return (
                f"the shard {entry.name} has {episodes} episodes of {frames} frames, "
                f"{manifest_lib.MANIFEST_NAME} says {entry.episodes} of {entry.frames}; write the "
                "dataset again"
            )
    dataset_hash = combined_hash(itertools.chain.from_iterable(hashes[path] for path in paths))
    if manifest.dataset_hash != dataset_hash:
        return (
            f"its content has hash {dataset_hash[:12]}…, {manifest_lib.MANIFEST_NAME} says "
            f"{manifest.dataset_hash[:12]}…; write the dataset again"
        )
    return None
