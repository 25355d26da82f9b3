"""Columns of an HDF5 file of D4RL."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from data.formats.parsers import hdf5_files

_NEEDED = ("observations", "actions", "rewards", "terminals")
_OPTIONAL = ("timeouts", "next_observations")


def parse(path: str) -> Iterator[dict[str, np.ndarray]]:
    """Yields the columns [N, …] of all the rows, once.

    Args:
        path: The HDF5 file.

    Raises:
        DataError: If a column is missing or incomplete.
    """
    with hdf5_files.open_file(path) as file:
        optional = [name for name in _OPTIONAL if name in file]
        yield {name: hdf5_files.read(file, name) for name in (*_NEEDED, *optional)}
