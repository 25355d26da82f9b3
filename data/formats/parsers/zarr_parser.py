"""Episodes of a zarr replay buffer of Diffusion Policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import zarr

from data.errors import DataError
from data.formats.parsers import selected_parts

_ACTION = "action"


def parse(path: str, observation_keys: Sequence[str] | None) -> Iterator:
    """Yields a dict with the number of episodes, and then the episodes.

    Args:
        path: The folder of the buffer.
        observation_keys: Parts of the observation to import; None for all.

    Yields:
        A dict; then for each episode its name and the arguments of
        `recorded_episodes.episode_from_transitions`.

    Raises:
        DataError: If the columns are incomplete, or do not fit the ends of the episodes.
    """
    buffer = zarr.open_group(path, mode="r")
    columns = dict(buffer["data"].arrays())
    ends = _read(buffer["meta/episode_ends"]).astype(np.int64)
    _check(columns, ends)
    yield {"total": len(ends)}
    recorded = {name: column for name, column in columns.items() if name != _ACTION}
    needed = selected_parts.needed_keys(recorded, observation_keys, "observation")
    for number, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        observation = {name: _as_image(recorded[name][start:end]) for name in needed}
        action = columns[_ACTION][start:end]
        yield (
            f"episode {number}",
            {
                "observation": selected_parts.select(observation, observation_keys, "observation"),
                "action": action,
                "reward": np.zeros(len(action)),
                "terminal": False,
            },
        )


def _read(array: zarr.Array) -> np.ndarray:
    _check_stored(array)
    return np.asarray(array)


def _check_stored(array: zarr.Array) -> None:
    """Raises a DataError unless all numbers of an array are stored, by codecs that run no code."""
    for codec in (array.compressor, *(array.filters or ())):
        if codec is not None and codec.codec_id == "pickle":
            raise DataError(f"{array.path} is stored as Python pickles, which can run any code.")
    if array.dtype.kind not in "biuf":
        raise DataError(f"{array.path} has elements of type {array.dtype}; numbers are needed.")
    if array.nchunks_initialized < array.nchunks:
        raise DataError(
            f"{array.path} has the shape {list(array.shape)}, but the folder stores only"
            f" {array.nchunks_initialized} of {array.nchunks} chunks: it is damaged, or its writer"
            " did not finish."
        )


def _check(columns: dict[str, zarr.Array], ends: np.ndarray) -> None:
    """Checks that the columns have the frames that the ends of the episodes divide."""
    if _ACTION not in columns:
        raise DataError(
            f"it has no column data/{_ACTION}; its columns are: "
            f"{', '.join(sorted(columns)) or 'none'}."
        )
    if ends.ndim != 1 or not len(ends) or np.any(np.diff(ends, prepend=0) < 1):
        raise DataError(f"meta/episode_ends must increase from at least 1, got {ends}.")
    for name, column in columns.items():
        if column.ndim == 0 or len(column) != ends[-1]:
            raise DataError(
                f"the column data/{name} has shape {list(column.shape)}, and the last episode ends"
                f" at {ends[-1]}. Each column must have one row per frame."
            )
        _check_stored(column)


def _as_image(column: np.ndarray) -> Any:
    """Returns images that are stored as floats from 0 to 255 as uint8, and others unchanged."""
    is_image = column.ndim == 4 and column.shape[-1] in (1, 3)
    if not is_image or not np.issubdtype(column.dtype, np.floating):
        return column
    with np.errstate(invalid="ignore"):
        pixels = column.astype(np.uint8)
    return pixels if np.array_equal(pixels, column) and pixels.max() > 1 else column
