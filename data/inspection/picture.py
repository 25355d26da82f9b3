"""What is in a dataset, as a picture."""

from __future__ import annotations

import os
import pathlib

import numpy as np
from matplotlib import axes as axes_lib
from matplotlib import figure, ticker

from data.errors import DataError
from data.inspection import survey
from ibc_agents.core import files

# Inches.
_WIDTH, _EPISODES_HEIGHT, _ACTION_HEIGHT, _STRIP_HEIGHT = 12.0, 2.6, 1.4, 1.7
_DPI = 100
_BINS = 40
_ACTION_COLUMNS = 6
_MOST_ACTIONS = 36
_COLOR = "#2a6f97"


def check_path(path: str | os.PathLike) -> None:
    """Raises a DataError unless `path` names a PNG in a folder that is there."""
    place = pathlib.Path(path).expanduser()
    if place.suffix.lower() != ".png":
        raise DataError(f"{path}: the picture is a PNG; name it so.")
    if not place.parent.is_dir():
        raise DataError(f"{path}: there is no folder {place.parent}; create it.")


def save(found: survey.Survey, path: str | os.PathLike) -> None:
    """Draws a dataset into a PNG, which appears whole or not at all; see `draw`.

    Raises:
        DataError: it cannot be written.
    """
    place = pathlib.Path(path).expanduser()
    with files.report_disk_errors(path, DataError), files.replacing(place) as partial:
        draw(found).savefig(partial, dpi=_DPI, format="png")


def draw(found: survey.Survey) -> figure.Figure:
    """Draws histograms of returns, lengths and every element of the actions, and strips of frames.

    Values that are not finite are left out. The frames are of the first episode.
    """
    action_rows = -(-min(len(found.action_names), _MOST_ACTIONS) // _ACTION_COLUMNS)
    heights = [
        _EPISODES_HEIGHT,
        _ACTION_HEIGHT * action_rows,
        *[_STRIP_HEIGHT] * len(found.strips),
    ]
    drawing = figure.Figure(figsize=(_WIDTH, sum(heights)), layout="constrained")
    parts = drawing.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    _draw_episodes(parts[0], found)
    _draw_actions(parts[1], found, action_rows)
    for part, (name, strip) in zip(parts[2:], found.strips.items()):
        _draw_strip(part, name, strip)
    return drawing


def _draw_episodes(part: figure.SubFigure, found: survey.Survey) -> None:
    shown = {"return": found.returns, "frames of an episode": found.lengths}
    for axes, (label, values) in zip(part.subplots(1, 2), shown.items()):
        _draw_histogram(axes, np.asarray(values, np.float64))
        axes.set_xlabel(label)
        axes.set_ylabel("episodes")
        axes.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))


def _draw_actions(part: figure.SubFigure, found: survey.Survey, rows: int) -> None:
    names, actions = found.action_names, np.concatenate(found.actions)
    left_out = len(names) - _MOST_ACTIONS
    more = f" (the first {_MOST_ACTIONS} of {len(names)} elements)" if left_out > 0 else ""
    part.suptitle(f"executed actions{more}", fontsize="medium")
    grid = part.subplots(rows, _ACTION_COLUMNS, squeeze=False).flat
    for number, axes in enumerate(grid):
        if number >= min(len(names), _MOST_ACTIONS):
            axes.set_axis_off()
            continue
        _draw_histogram(axes, actions[:, number])
        axes.set_title(names[number], fontsize="small")
        axes.set_yticks([])
        axes.tick_params(labelsize="x-small")


def _draw_strip(part: figure.SubFigure, name: str, strip: np.ndarray) -> None:
    part.suptitle(f"{name}, first episode", fontsize="medium")
    for axes, image in zip(part.subplots(1, len(strip), squeeze=False).flat, strip):
        # Two channels are no colours that a picture knows.
        known = image if image.shape[-1] in (3, 4) else image[..., 0]
        axes.imshow(known, cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()


def _draw_histogram(axes: axes_lib.Axes, values: np.ndarray) -> None:
    finite = values[np.isfinite(values)]
    axes.hist(finite, bins=_BINS, color=_COLOR)
