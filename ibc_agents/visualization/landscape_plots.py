"""Draws energy landscapes with Matplotlib."""

from __future__ import annotations

import os

import matplotlib
import numpy as np
from matplotlib import axes as axes_lib
from matplotlib import figure, patheffects, ticker
from matplotlib.backends import backend_agg

from ibc_agents.core import files
from ibc_agents.visualization import energy_landscape

# Inches. The layout is the same for all frames of a video. Video codecs need an even number of
# pixels, which these sizes have at any resolution that is a multiple of 20 dots per inch.
_WIDTH, _HEIGHT, _SIDE = 5.8, 5.6, 4.2
_LEFT, _BOTTOM = 0.72, 1.02
_DPI = 120
_MIN_SCALE = 1e-3  # upper end of the scale of E − min E where the energy is constant
# With more iterations, the lines of the paths show the samples well enough.
_MAX_ITERATIONS_WITH_DOTS = 12

# Colors that are visible on light and dark backgrounds and distinct for color-blind readers.
_DEMONSTRATED = "#e8112d"
_CHOSEN = "#ff9f1c"
_LOWEST = "black"
_SAMPLES = "white"
_FIRST = "#333333"


def save(
    shown: energy_landscape.Landscape,
    path: str | os.PathLike,
    num_samples: int = 64,
    num_paths: int = 24,
    title: str = "",
    image: np.ndarray | None = None,
) -> None:
    """Draws a landscape and writes it to a PNG file atomically.

    Args:
        shown: The landscape.
        path: File to create or replace.
        num_samples: See `draw`.
        num_paths: See `draw`.
        title: See `draw`.
        image: See `draw`.

    Raises:
        RunError: If the file cannot be written.
    """
    drawing = draw(shown, num_samples, num_paths, title, image)
    with files.report_disk_errors(path), files.replacing(path) as partial:
        drawing.savefig(partial, dpi=_DPI)


def rasterize(drawing: figure.Figure) -> np.ndarray:
    """Returns the pixels of a drawing, uint8 [H, W, 3]."""
    drawing.set_dpi(_DPI)
    canvas = backend_agg.FigureCanvasAgg(drawing)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def draw(
    shown: energy_landscape.Landscape,
    num_samples: int = 64,
    num_paths: int = 24,
    title: str = "",
    image: np.ndarray | None = None,
    highest: float | None = None,
) -> figure.Figure:
    """Draws a landscape: two dimensions as a map, or one as a curve above the samples' paths.

    Energies span orders of magnitude, so the scale is log(1 + E − min E), with ticks of E − min E.
    If actions have more dimensions than are drawn, the samples are projected onto the drawn ones,
    and their energies differ from those of the map.

    Args:
        shown: The landscape.
        num_samples: Number of the policy's samples that are drawn, at least 0.
        num_paths: Number of these samples whose paths are drawn, if the sampler records parents.
        title: Title of the drawing.
        image: Image of the environment to draw beside the landscape, uint8 [H, W, 3]; None for
            no image.
        highest: E − min E at the upper end of the scale. Default: the landscape's own.
    """
    highest = max(shown.highest if highest is None else highest, _MIN_SCALE)
    beside = 0.0 if image is None else _SIDE + 0.3
    with matplotlib.rc_context({"font.size": 9, "axes.titlesize": 10}):
        drawing = figure.Figure(figsize=(_WIDTH + beside, _HEIGHT))
        if image is not None:
            _draw_image(_add_axes(drawing, 0.2, _BOTTOM, _SIDE, _SIDE), image)
        if len(shown.dimensions) == 1:
            marked = _draw_line(drawing, beside, shown, num_samples, num_paths, highest)
        else:
            marked = _draw_plane(drawing, beside, shown, num_samples, num_paths, highest)
        marked.set_title("\n".join(filter(None, [title, _held(shown)])))
        drawing.legend(
            *marked.get_legend_handles_labels(),
            loc="lower center",
            bbox_to_anchor=((beside + _LEFT + _SIDE / 2) / drawing.get_figwidth(), 0.0),
            ncols=3,
            facecolor="0.7",
            edgecolor="none",
            framealpha=1.0,
            fontsize=8,
        )
    return drawing


def _add_axes(drawing, left, bottom, width, height) -> axes_lib.Axes:
    """Adds axes whose place and size are given in inches."""
    across, up = drawing.get_size_inches()
    return drawing.add_axes((left / across, bottom / up, width / across, height / up))


def _draw_image(plot: axes_lib.Axes, image: np.ndarray) -> None:
    plot.imshow(image)
    plot.set_axis_off()


def _draw_plane(drawing, left, shown, num_samples, num_paths, highest) -> axes_lib.Axes:
    """Draws two dimensions as a map, and returns the axes with all marks."""
    plot = _add_axes(drawing, left + _LEFT, _BOTTOM, _SIDE, _SIDE)
    first, second = shown.axes
    heights = np.ma.masked_invalid(np.log1p(np.minimum(shown.heights, highest)))
    levels = np.linspace(0.0, np.log1p(highest), 41)
    ground = plot.contourf(first, second, heights.T, levels=levels, cmap="viridis")
    bar = drawing.colorbar(
        ground, cax=_add_axes(drawing, left + _LEFT + _SIDE + 0.12, _BOTTOM, 0.16, _SIDE)
    )
    ticks = _energy_ticks(highest, 0.04)
    bar.set_ticks(np.log1p(ticks), labels=[f"{tick:g}" for tick in ticks])
    bar.set_label("E − min E,  on the scale log(1 + E − min E)")
    across, up = shown.dimensions
    for path, label in _paths(shown, min(num_paths, num_samples)):
        plot.plot(path[:, across], path[:, up], color=_SAMPLES, lw=0.6, alpha=0.6, label=label)
    for actions, style in _populations(shown, num_samples):
        plot.plot(actions[:, across], actions[:, up], ls="none", **style)
    for action, style in _marks(shown):
        plot.plot(*action, ls="none", **style)
    plot.set(
        xlabel=shown.names[across],
        ylabel=shown.names[up],
        xlim=(first[0], first[-1]),
        ylim=(second[0], second[-1]),
    )
    return plot


def _draw_line(drawing, left, shown, num_samples, num_paths, highest) -> axes_lib.Axes:
    """Draws one dimension as a curve above the samples of each iteration."""
    above = _add_axes(drawing, left + _LEFT, _BOTTOM + 1.75, _SIDE + 0.6, _SIDE - 1.75)
    below = _add_axes(drawing, left + _LEFT, _BOTTOM, _SIDE + 0.6, 1.6)
    (axis,), (dimension,) = shown.axes, shown.dimensions
    above.plot(axis, np.log1p(shown.heights), color="#2a788e", lw=1.5)
    ticks = _energy_ticks(highest, 0.09)
    above.set_yticks(np.log1p(ticks), [f"{tick:g}" for tick in ticks])
    above.set(
        ylabel="E − min E\non the scale log(1 + E − min E)",
        xlim=(axis[0], axis[-1]),
        ylim=(-0.04 * np.log1p(highest), 1.04 * np.log1p(highest)),
    )
    above.tick_params(labelbottom=False)
    rug = shown.samples[:num_samples, dimension]
    above.plot(rug, 0 * rug, "|", ms=9, color=_FIRST, alpha=0.6, label="final samples")
    for action, style in _marks(shown):
        height = np.interp(action[0], axis, np.log1p(shown.heights))
        above.plot(action, [height], ls="none", **style)
        below.axvline(action[0], color=style["mec"], lw=0.8)
    last = len(shown.trace) - 1
    iterations = np.arange(last + 1)
    if shown.parents is None or last <= _MAX_ITERATIONS_WITH_DOTS:
        everywhere = shown.trace[:, :num_samples, dimension]
        below.plot(everywhere, iterations, ls="none", marker=".", ms=2, color=_FIRST)
    for path, _ in _paths(shown, min(num_paths, num_samples)):
        below.plot(path[:, dimension], iterations, color="#2a788e", lw=0.5, alpha=0.6)
    below.set(
        xlabel=shown.names[dimension],
        ylabel="sampler iteration",
        xlim=(axis[0], axis[-1]),
        ylim=(last + 0.05 * max(last, 1), -0.05 * max(last, 1)),
    )
    below.yaxis.set_major_locator(ticker.MaxNLocator(5, integer=True))
    return above


def _held(shown: energy_landscape.Landscape) -> str:
    """Returns a text with the values of the other dimensions."""
    others = [d for d in range(len(shown.names)) if d not in shown.dimensions]
    values = [f"{shown.names[d]} = {shown.held[d]:.3g}" for d in others]
    return ", ".join([*values[:3], *["…"] * (len(values) > 3)])


def _paths(shown: energy_landscape.Landscape, number: int) -> list[tuple[np.ndarray, str | None]]:
    """Returns the path [K, A] of each sample with its label in the legend."""
    lineages = shown.lineages(number)
    if lineages is None:
        return []
    return [
        (path, None if number else "samples' paths")
        for number, path in enumerate(lineages.swapaxes(0, 1))
    ]


def _populations(
    shown: energy_landscape.Landscape, num_samples: int
) -> list[tuple[np.ndarray, dict]]:
    """Returns the initial and the final samples [n, A] with their styles."""
    first = dict(marker=".", ms=5, color=_FIRST, mew=0, alpha=0.7, label="first samples")
    last = dict(marker="o", ms=3.5, mfc=_SAMPLES, mec="black", mew=0.4, label="final samples")
    return [(shown.trace[0][:num_samples], first), (shown.samples[:num_samples], last)]


def _marks(shown: energy_landscape.Landscape) -> list[tuple[np.ndarray, dict]]:
    """Returns the coordinates of single actions with their styles, in drawing order."""
    drawn = list(shown.dimensions)
    halo = [patheffects.withStroke(linewidth=3, foreground="white")]
    lowest = dict(
        marker="x", ms=8, mec=_LOWEST, mew=2, path_effects=halo, label="lowest energy on the grid"
    )
    chosen = dict(marker="D", ms=6, mfc="none", mec=_CHOSEN, mew=1.8, label="policy's action")
    demonstrated = dict(
        marker="o", ms=12, mfc="none", mec=_DEMONSTRATED, mew=2, label="demonstrated action"
    )
    marks: list[tuple[np.ndarray, dict]] = [(shown.lowest, lowest), (shown.chosen[drawn], chosen)]
    if shown.demonstrated is not None:
        marks.append((shown.demonstrated[drawn], demonstrated))
    return marks


def _energy_ticks(highest: float, spacing: float) -> list[float]:
    """Returns round values in [0, `highest`], at least `spacing` of the scale apart."""
    rounded = [digit * 10.0**power for power in range(-9, 38) for digit in (1, 2, 5)]
    ticks = [0.0]
    for tick in rounded:
        # On the scale log(1 + E) small values are close together.
        apart = np.log1p(tick) - np.log1p(ticks[-1])
        if tick <= highest and apart >= spacing * np.log1p(highest):
            ticks.append(tick)
    return ticks
