"""Plots of a dataset's returns, lengths, actions and images."""

from __future__ import annotations

import os
import pathlib

import numpy as np
from matplotlib import axes as axes_lib
from matplotlib import figure, ticker

from data.errors import DataError
from data.inspection import dataset_summary
from ibc_agents.core import files

# Inches.
_WIDTH, _EPISODES_HEIGHT, _ACTION_HEIGHT, _IMAGES_HEIGHT = 12.0, 2.6, 1.4, 1.7
_DPI = 100
_BINS = 40
_ACTION_COLUMNS = 6
_MAX_ACTIONS = 36
_COLOR = "#2a6f97"


def check_path(path: str | os.PathLike) -> None:
    """Raises a DataError unless `path` is a PNG file that can be written; creates its folder."""
    if pathlib.Path(path).suffix.lower() != ".png":
        raise DataError(f"{path}: plots are PNG files; use the suffix .png.")
    files.prepare_output(path, DataError)


def save_plots(summary: dataset_summary.DatasetSummary, path: str | os.PathLike) -> None:
    """Writes the plots of a dataset to a PNG file atomically.

    Raises:
        DataError: If it cannot be written.
    """
    plot = pathlib.Path(path).expanduser()
    with files.report_disk_errors(path, DataError), files.replacing(plot) as partial:
        draw_plots(summary).savefig(partial, dpi=_DPI, format="png")


def draw_plots(summary: dataset_summary.DatasetSummary) -> figure.Figure:
    """Draws histograms of returns, lengths and action elements, and images of the first episode.

    Values that are not finite are omitted.
    """
    action_rows = -(-min(len(summary.action_names), _MAX_ACTIONS) // _ACTION_COLUMNS)
    heights = [
        _EPISODES_HEIGHT,
        _ACTION_HEIGHT * action_rows,
        *[_IMAGES_HEIGHT] * len(summary.images),
    ]
    drawing = figure.Figure(figsize=(_WIDTH, sum(heights)), layout="constrained")
    parts = drawing.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    _draw_episodes(parts[0], summary)
    _draw_actions(parts[1], summary, action_rows)
    for part, (name, images) in zip(parts[2:], summary.images.items(), strict=True):
        _draw_images(part, name, images)
    return drawing


def _draw_episodes(part: figure.SubFigure, summary: dataset_summary.DatasetSummary) -> None:
    shown = {"return": summary.returns, "frames per episode": summary.lengths}
    for axes, (label, values) in zip(part.subplots(1, 2), shown.items(), strict=True):
        _draw_histogram(axes, np.asarray(values, np.float64))
        axes.set_xlabel(label)
        axes.set_ylabel("episodes")
        axes.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))


def _draw_actions(
    part: figure.SubFigure, summary: dataset_summary.DatasetSummary, rows: int
) -> None:
    names, actions = summary.action_names, np.concatenate(summary.actions)
    shown = min(len(names), _MAX_ACTIONS)
    more = f" (the first {shown} of {len(names)} elements)" if shown < len(names) else ""
    part.suptitle(f"executed actions{more}", fontsize="medium")
    grid = part.subplots(rows, _ACTION_COLUMNS, squeeze=False).flat
    for number, axes in enumerate(grid):
        if number >= shown:
            axes.set_axis_off()
            continue
        _draw_histogram(axes, actions[:, number])
        axes.set_title(names[number], fontsize="small")
        axes.set_yticks([])
        axes.tick_params(labelsize="x-small")


def _draw_images(part: figure.SubFigure, name: str, images: np.ndarray) -> None:
    part.suptitle(f"{name}, first episode", fontsize="medium")
    for axes, image in zip(part.subplots(1, len(images), squeeze=False).flat, images, strict=True):
        # Matplotlib draws images of 1, 3 or 4 channels.
        drawable = image if image.shape[-1] in (3, 4) else image[..., 0]
        axes.imshow(drawable, cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()


def _draw_histogram(axes: axes_lib.Axes, values: np.ndarray) -> None:
    finite = values[np.isfinite(values)]
    axes.hist(finite, bins=_BINS, color=_COLOR)
