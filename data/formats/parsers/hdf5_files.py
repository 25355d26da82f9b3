"""HDF5 files that contain all of their data."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from data.errors import DataError

# DEFLATE shortens at most 1032 bytes to one.
_LARGEST_RATIO = 1032
_LARGEST_RATIOS = {"gzip": _LARGEST_RATIO, "lzf": 256}
_OVERHEAD_BYTES = 1 << 16


@contextlib.contextmanager
def open_file(path: str) -> Iterator[h5py.File]:
    """Opens a file.

    Yields:
        The file. No link and no dataset in it refers to another file.

    Raises:
        DataError: If it is a folder, or refers to another file: a downloaded file could then make
            any file of this machine a part of the dataset.
    """
    if os.path.isdir(path):
        raise DataError("it is a folder; name the HDF5 file in it.")
    with h5py.File(path, "r") as file:
        _refuse_references(file, set())
        yield file


def read(parent: h5py.Group, name: str) -> np.ndarray:
    """Returns a dataset of numbers, in the byte order of this machine.

    Args:
        parent: The group.
        name: Name of the dataset in it.

    Raises:
        DataError: If it is missing, is no array of numbers, or the file does not store all of it.
    """
    dataset = parent.get(name)
    path = f"{parent.name}/{name}".lstrip("/")
    if dataset is None:
        raise DataError(f"it has no dataset {path!r}.")
    if not isinstance(dataset, h5py.Dataset) or not dataset.shape:
        raise DataError(
            f"{path} is a {_describe(dataset)}; an array with one row a step is needed."
        )
    if dataset.dtype.kind not in "biuf":
        raise DataError(f"{path} has elements of type {_describe(dataset)}; numbers are needed.")
    check_stored(dataset)
    values = dataset[()]
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def check_stored(dataset: h5py.Dataset) -> None:
    """Raises a DataError unless the file stores all elements of a dataset.

    HDF5 returns fill values for the rest. A damaged or unfinished file would then become frames
    that were not recorded, in any number.
    """
    if dataset.shape is None or not dataset.nbytes:
        return
    stored = dataset.id.get_storage_size()
    if dataset.chunks is not None:
        needed = math.prod(-(-n // c) for n, c in zip(dataset.shape, dataset.chunks))
        complete = dataset.id.get_num_chunks() >= needed
    else:
        complete = stored >= dataset.nbytes
    ratio = _LARGEST_RATIOS.get(dataset.compression or "", 1 if not _filtered(dataset) else None)
    if ratio is not None:
        complete &= dataset.nbytes <= ratio * stored + _OVERHEAD_BYTES
    if not complete:
        raise DataError(
            f"{dataset.name.lstrip('/')} has the shape {list(dataset.shape)}, but the file stores"
            f" only a part of it ({stored} bytes): it is damaged, or its writer did not finish."
        )


def datasets(group: h5py.Group) -> Iterator[h5py.Dataset]:
    """Yields the datasets under a group."""
    for child in group.values():
        if isinstance(child, h5py.Group):
            yield from datasets(child)
        elif isinstance(child, h5py.Dataset):
            yield child


def _filtered(dataset: h5py.Dataset) -> bool:
    return dataset.id.get_create_plist().get_nfilters() > 0


def _refuse_references(group: h5py.Group, seen: set[int]) -> None:
    for name in group:
        path = f"{group.name}/{name}".replace("//", "/")
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise DataError(_reference(path, link.filename))
        if not isinstance(link, h5py.HardLink):
            continue  # A soft link names another object of this file.
        child = group[name]
        address = h5py.h5o.get_info(child.id).addr
        if address in seen:
            continue
        seen.add(address)
        if isinstance(child, h5py.Group):
            _refuse_references(child, seen)
        elif isinstance(child, h5py.Dataset):
            for filename in _other_files(child):
                raise DataError(_reference(path, filename))


def _other_files(dataset: h5py.Dataset) -> list[str]:
    """Returns the files outside of this one that store a part of a dataset."""
    if dataset.is_virtual:
        return [source.file_name for source in dataset.virtual_sources()]
    return [name for name, _, _ in dataset.external or ()]


def _reference(path: str, filename: str) -> str:
    return (
        f"{path} refers to another file, {filename!r}, and only the file itself is read. Copy the"
        " data into it, for example with h5repack or h5py, and import the copy."
    )


def _describe(found: Any) -> str:
    if isinstance(found, h5py.Dataset):
        return "text" if h5py.check_string_dtype(found.dtype) else f"{found.dtype} {found.shape}"
    return type(found).__name__.lower()
