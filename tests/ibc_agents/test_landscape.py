"""Pictures of the energy show it where it is."""

import imageio.v2 as imageio
import numpy as np
import pytest

from ibc_agents import landscape
from tests.ibc_agents import helpers

RESOLUTION = 41


@pytest.fixture(scope="module")
def agent():
    """Its energy is 20 · |a − goal|², the goal normalised, the action scaled."""
    return helpers.make_agent(energy_network=helpers.CountingEnergyNetwork())


@pytest.fixture(scope="module")
def window():
    return {
        "goal": np.array([[9.0, 9.0], [0.3, -0.2]], np.float32),  # the newest frame counts
        "position": np.zeros((2, 2), np.float32),
    }


def goal(agent, window):
    batched = {key: value[None] for key, value in window.items()}
    return agent.normalizer.normalize_observation(batched)["goal"][0, -1].numpy()


def test_grid_over_two_dimensions(agent, window):
    axes, energies = landscape.energies_over_plane(agent, window, np.zeros(2), (0, 1), RESOLUTION)
    x, y = np.meshgrid(*axes, indexing="ij")
    centre = goal(agent, window)
    wanted = 20 * ((x - centre[0]) ** 2 + (y - centre[1]) ** 2)
    np.testing.assert_allclose(energies, wanted, rtol=1e-4, atol=1e-4)
    lowest = np.unravel_index(np.argmin(energies), energies.shape)
    for axis, index, at in zip(axes, lowest, centre, strict=True):
        assert abs(axis[index] - at) <= 0.5 * (axis[1] - axis[0]) + 1e-6
    bounds = agent.normalizer.bounds
    for dimension, axis in enumerate(axes):
        assert axis[0] == pytest.approx(float(bounds.low[dimension]))
        assert axis[-1] == pytest.approx(float(bounds.high[dimension]))


def test_other_dimensions_are_held(agent, window):
    held = np.array([0.25, -0.5], np.float32)
    (axis,), energies = landscape.energies_over_plane(agent, window, held, (1,), RESOLUTION)
    centre = goal(agent, window)
    wanted = 20 * ((held[0] - centre[0]) ** 2 + (axis - centre[1]) ** 2)
    np.testing.assert_allclose(energies, wanted, rtol=1e-4, atol=1e-4)


def test_picture_marks_the_lowest_energy_and_the_demonstration(agent, window, tmp_path):
    marks = []
    for name, action in (("a.png", [0.0, 0.5]), ("b.png", [0.5, 2.5])):
        action = np.array(action, np.float32)
        landscape.save_landscape(agent, window, action, tmp_path / name)
        picture = imageio.imread(tmp_path / name)[..., :3].astype(int)
        red = (picture[..., 0] > 180) & (picture[..., 1:].max(axis=-1) < 80)
        rows, columns = np.nonzero(red[:, : picture.shape[1] // 2 + 60])
        marks.append((rows.mean(), columns.mean()))
    # The second action is greater in both dimensions: further up and further right.
    assert marks[1][0] < marks[0][0] and marks[1][1] > marks[0][1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]
