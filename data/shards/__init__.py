"""The dataset format on disk: TFRecord shards, their specs, and the manifest of a folder.

A record is a `tf.train.Example` of one frame, in the layout of TF-Agents' `example_encoding`.
Episodes are stored back to back. Beside each shard lies its spec, `SHARD.spec`.
"""

from data.shards.manifest import Manifest, read_manifest, write_manifest
from data.shards.shard_paths import resolve_shards
from data.shards.shard_reader import read_episodes
from data.shards.shard_writer import ShardWriter
from data.shards.spec_files import read_spec

__all__ = [
    "Manifest",
    "ShardWriter",
    "read_episodes",
    "read_manifest",
    "read_spec",
    "resolve_shards",
    "write_manifest",
]
