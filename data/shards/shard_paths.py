"""Resolves folders, file names and globs to paths of shards."""

from __future__ import annotations

import glob
import os
import pathlib
from collections.abc import Sequence

from data import path_kinds
from data.errors import DataError
from ibc_agents.core import files

SPEC_SUFFIX = ".spec"
_GZIP_SUFFIX = ".gz"

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
    if not isinstance(paths, Sequence) or not paths:
        raise DataError(
            f"the path to demonstrations is {paths!r}; name a folder, a shard, a glob, or a list "
            "of those."
        )
    shards: set[str] = set()
    for path in paths:
        shards.update(_expand(local_path(path)))
    return sorted(shards)


def spec_paths(shard: PathLike) -> list[str]:
    """Returns where the spec of a shard may be: beside it, also if gzip compressed either.

    Examples:
        >>> spec_paths("a.tfrecord")
        ['a.tfrecord.spec', 'a.tfrecord.spec.gz']
    """
    name = os.fspath(shard)
    stem = name.removesuffix(_GZIP_SUFFIX)
    found = [name + SPEC_SUFFIX, stem + SPEC_SUFFIX, stem + SPEC_SUFFIX + _GZIP_SUFFIX]
    return list(dict.fromkeys(found))


def local_path(path: PathLike) -> str:
    """Returns a path of this machine in its shortest form, with the home folder for `~`.

    Raises:
        DataError: If it cannot be the path of a local file.
    """
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    try:
        if isinstance(text, str) and b"\0" not in os.fsencode(text):
            return os.fspath(files.local_path(text, DataError))
    except UnicodeEncodeError:
        pass
    raise DataError(f"{path!r} is no path; name a folder, a shard or a glob.")


def _expand(path: str) -> list[str]:
    if os.path.lexists(path):
        description = path_kinds.describe(path)
        if description:
            raise DataError(f"{path} {description}.")
        if not os.path.isdir(path):
            return [path]
        try:
            found = [os.path.join(path, name) for name in os.listdir(path)]
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
        found = [name for name in found if ".tfrecord" in os.path.basename(name)]
        problem = "this folder contains no .tfrecord shard; check the path"
    elif glob.has_magic(path):
        found = glob.glob(path, recursive=True)
        problem = "no file matches this pattern; check it, and quote it in a shell"
    else:
        raise DataError(f"{path}: no such file or folder; check the path.")
    shards = [name for name in found if _may_be_shard(os.path.basename(name))]
    if not shards:
        raise DataError(f"{path}: {problem}.")
    return shards


def _may_be_shard(name: str) -> bool:
    is_spec = name.removesuffix(_GZIP_SUFFIX).endswith(SPEC_SUFFIX)
    return not is_spec and not name.startswith(".")
