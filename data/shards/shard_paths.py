"""Resolves folders, file names and globs to paths of shards."""

from __future__ import annotations

import glob
import os
import pathlib
from collections.abc import Sequence

from data.errors import DataError

SPEC_SUFFIX = ".spec"

PathLike = str | os.PathLike
Paths = PathLike | Sequence[PathLike]


def shard_file_name(number: int) -> str:
    """Returns the file name of a dataset's shard, counted from 0.

    Examples:
        >>> shard_file_name(7)
        'shard-00007.tfrecord'
    """
    return f"shard-{number:05d}.tfrecord"


def shard_stem(shard: PathLike) -> str:
    """Returns the file name of a shard up to `.tfrecord`.

    Examples:
        >>> shard_stem("datasets/pen/train.tfrecord-00000-of-00002")
        'train'
    """
    return pathlib.Path(shard).name.split(".tfrecord")[0]


def resolve_shards(paths: Paths) -> list[str]:
    """Returns the shards that a path refers to.

    Args:
        paths: A folder (its files with `.tfrecord` in their name), a shard, a glob, or a list of
            those.

    Returns:
        Paths of the shards, sorted, each once.

    Raises:
        DataError: If a path does not exist or contains no shard.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    if not paths:
        raise DataError("no path to demonstrations was given; name a folder, a shard or a glob.")
    shards: set[str] = set()
    for path in paths:
        shards.update(_expand(os.path.expanduser(os.fspath(path))))
    return sorted(shards)


def _expand(path: str) -> list[str]:
    if os.path.isdir(path):
        try:
            names = os.listdir(path)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
        found = [os.path.join(path, n) for n in names if ".tfrecord" in n and n[0] != "."]
        problem = "this folder contains no .tfrecord shard; check the path"
    elif os.path.exists(path):
        return [path]
    elif glob.has_magic(path):
        found = [name for name in glob.glob(path, recursive=True) if os.path.isfile(name)]
        problem = "no file matches this pattern; check it, and quote it in a shell"
    else:
        raise DataError(f"{path}: no such file or folder; check the path.")
    shards = [name for name in found if not name.endswith(SPEC_SUFFIX)]
    if not shards:
        raise DataError(f"{path}: {problem}.")
    return shards
