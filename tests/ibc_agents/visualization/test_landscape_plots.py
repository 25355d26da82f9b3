"""Drawings of landscapes show the energy, the samples and the marked actions."""

import dataclasses

import imageio.v2 as imageio
import numpy as np
import pytest
from matplotlib import colors

from ibc_agents.visualization import energy_landscape, landscape_plots

AXES = np.linspace(-1.0, 1.0, 21), np.linspace(0.0, 4.0, 21)
RED, ORANGE = (np.round(255 * np.array(colors.to_rgb(c))) for c in ("#e8112d", "#ff9f1c"))


def make(dimensions=(0, 1), demonstrated=(0.5, 3.0), chosen=(-0.5, 1.0), parents=True):
    """Energies around (0, 2) of actions of two dimensions."""
    x, y = np.meshgrid(*AXES, indexing="ij")
    energies = 100 * (x**2 + (0.5 * y - 1) ** 2)
    rng = np.random.default_rng(0)
    trace = rng.uniform([-1, 0], [1, 4], (3, 10, 2))
    return energy_landscape.Landscape(
        dimensions,
        ("action[0]", "action[1]"),
        AXES if len(dimensions) == 2 else AXES[:1],
        energies if len(dimensions) == 2 else energies[:, 10],
        np.array([0.5, 3.0]),
        None if demonstrated is None else np.array(demonstrated),
        np.array(chosen),
        trace[-1],
        trace,
        rng.integers(10, size=(2, 10)) if parents else None,
    )


def center(image, color):
    """Returns row and column of the center of the pixels of a color above the legend."""
    near = np.abs(image[: int(0.85 * len(image))].astype(int) - color).max(axis=-1) < 12
    assert near.any()
    return np.array([index.mean() for index in np.nonzero(near)])


def lines(drawing, label):
    """Returns the data of all lines with a label, by label."""
    return [
        line.get_xydata()
        for axes in drawing.axes
        for line in axes.get_lines()
        if line.get_label() == label
    ]


def test_marks_are_drawn_at_the_actions():
    first = landscape_plots.rasterize(landscape_plots.draw(make()))
    moved = make(demonstrated=(0.8, 3.5), chosen=(-0.8, 0.5))
    second = landscape_plots.rasterize(landscape_plots.draw(moved))
    for color, direction in ((RED, 1), (ORANGE, -1)):
        (row, column), (new_row, new_column) = center(first, color), center(second, color)
        pixels = landscape_plots._SIDE * landscape_plots._DPI
        assert new_column - column == pytest.approx(direction * 0.3 / 2 * pixels, abs=2)
        assert new_row - row == pytest.approx(-direction * 0.5 / 4 * pixels, abs=2)


def test_map_has_samples_paths_and_the_lowest_energy():
    shown = make()
    drawing = landscape_plots.draw(shown, num_samples=7, num_paths=3)
    ((lowest,),) = lines(drawing, "lowest energy on the grid")
    np.testing.assert_allclose(lowest, [0.0, 2.0], atol=1e-9)
    np.testing.assert_array_equal(lines(drawing, "final samples")[0], shown.samples[:7])
    np.testing.assert_array_equal(lines(drawing, "first samples")[0], shown.trace[0, :7])
    assert len(lines(drawing, "samples' paths")) == 1  # the first; the others have no label
    every = [line.get_xydata() for line in drawing.axes[0].get_lines()]
    for path in shown.lineages(3).swapaxes(0, 1):
        assert any(np.array_equal(path, drawn) for drawn in every)
    assert sum(len(drawn) == 3 for drawn in every) == 3
    assert not lines(landscape_plots.draw(make(parents=False)), "samples' paths")


def test_ticks_of_the_color_bar_are_energies():
    drawing = landscape_plots.draw(make())
    _, bar = drawing.axes
    ticks = [float(label.get_text()) for label in bar.get_yticklabels()]
    np.testing.assert_allclose(np.log1p(ticks), bar.get_yticks())
    assert ticks[0] == 0 and ticks[-1] == 200
    assert bar.get_ylim() == pytest.approx((0, np.log1p(200)))
    # On a scale of other images.
    _, bar = landscape_plots.draw(make(), highest=1000.0).axes
    assert bar.get_ylim() == pytest.approx((0, np.log1p(1000)))


def test_line_has_curve_rug_and_iterations():
    shown = make((0,))
    above, below = landscape_plots.draw(shown, num_samples=6, num_paths=2, title="here").axes
    curve = above.get_lines()[0].get_xydata()
    np.testing.assert_allclose(curve[:, 0], AXES[0])
    np.testing.assert_allclose(np.expm1(curve[:, 1]), shown.heights, atol=1e-9)
    (rug,) = [line for line in above.get_lines() if line.get_label() == "final samples"]
    np.testing.assert_array_equal(rug.get_xdata(), shown.samples[:6, 0])
    drawn = [line.get_xydata() for line in below.get_lines()]
    for path in shown.lineages(2).swapaxes(0, 1):
        wanted = np.stack([path[:, 0], np.arange(3)], axis=-1)
        assert any(np.array_equal(wanted, line) for line in drawn)
    assert above.get_title() == "here\naction[1] = 3"


@pytest.mark.parametrize("dimensions", [(0,), (0, 1)])
def test_image_of_the_environment_is_drawn_beside(dimensions):
    green = np.zeros((50, 80, 3), np.uint8) + np.array([0, 200, 0], np.uint8)
    alone = landscape_plots.rasterize(landscape_plots.draw(make(dimensions)))
    beside = landscape_plots.rasterize(landscape_plots.draw(make(dimensions), image=green))
    assert alone.dtype == beside.dtype == np.uint8
    assert beside.shape[0] == alone.shape[0] and beside.shape[1] > 1.7 * alone.shape[1]
    assert beside.shape[0] % 2 == beside.shape[1] % 2 == 0  # for video codecs
    added = beside[:, : beside.shape[1] - alone.shape[1]]
    assert (added == [0, 200, 0]).all(axis=-1).mean() > 0.3
    np.testing.assert_array_equal(beside[:300, -150:], alone[:300, -150:])  # of the landscape


@pytest.mark.parametrize("dimensions", [(0,), (0, 1)])
@pytest.mark.parametrize("energy", [0.0, np.nan])
@pytest.mark.filterwarnings("error")
def test_constant_and_nan_energies_can_be_drawn(dimensions, energy):
    """An untrained network may be constant, and a diverged one NaN."""
    shown = make(dimensions, demonstrated=None)
    shown = dataclasses.replace(shown, energies=np.full_like(shown.energies, energy))
    image = landscape_plots.rasterize(landscape_plots.draw(shown, num_samples=0))
    assert np.ptp(image, axis=(0, 1)).min() > 100


@pytest.mark.filterwarnings("error")
def test_energies_that_are_not_finite_are_left_out():
    shown = make()
    shown.energies[3:5, 7] = np.nan, np.inf
    assert shown.highest == 200
    np.testing.assert_allclose(shown.lowest, [0.0, 2.0], atol=1e-9)
    image = landscape_plots.rasterize(landscape_plots.draw(shown))
    assert np.abs(image.astype(int) - landscape_plots.rasterize(
        landscape_plots.draw(make())
    )).any(axis=-1).mean() < 0.02  # fmt: skip


def test_image_is_saved_atomically(tmp_path):
    landscape_plots.save(make(), tmp_path / "energy.png")
    image = imageio.imread(tmp_path / "energy.png")
    drawn = landscape_plots.rasterize(landscape_plots.draw(make()))
    np.testing.assert_array_equal(image[..., :3], drawn)
    assert [path.name for path in tmp_path.iterdir()] == ["energy.png"]
