"""Summaries of finished shards, and the manifest of a dataset of such shards."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from data import episodes
from data.shards import frame_chunks, manifest, shard_reader


@dataclasses.dataclass(frozen=True)
class ShardSummary:
    """The content of a finished shard.

    Attributes:
        entry: Its entry of the manifest.
        content_hashes: Content hashes of its episodes, in order.
        extra: Further values of JSON types that the writer needs until the dataset is finished.
    """

    entry: manifest.ShardEntry
    content_hashes: Sequence[str]
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)


def summarize_shard(
    path: str | os.PathLike, reader: shard_reader.FrameReader, **extra: Any
) -> ShardSummary:
    """Reads a shard back and summarizes it.

    The hashes are those of the stored frames, which differ from the written ones for JPEG images.

    Args:
        path: Path of the shard.
        reader: Reader of its spec.
        **extra: `ShardSummary.extra`.

    Raises:
        DataError: If the shard cannot be read.
    """
    path = os.fspath(path)
    splitter = frame_chunks.EpisodeSplitter()
    hashes = [episode.content_hash for episode in splitter.split(reader.read([path]))]
    counts = splitter.counts[path]
    entry = manifest.ShardEntry(
        os.path.basename(path), counts.episodes, counts.frames, manifest.file_sha256(path)
    )
    return ShardSummary(entry, hashes, extra)


def combine_summaries(
    summaries: Sequence[ShardSummary], extra: dict[str, Any]
) -> manifest.Manifest:
    """Returns the manifest of a dataset of these shards."""
    hashes = [content_hash for shard in summaries for content_hash in shard.content_hashes]
    entries = tuple(shard.entry for shard in summaries)
    return manifest.Manifest(episodes.combined_hash(hashes), entries, extra)
