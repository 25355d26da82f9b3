"""Images of simulations, and the errors without a rendering backend."""

import numpy as np
import pytest

from environments import d4rl, errors


def test_images_are_not_blank():
    environment = d4rl.PenEnvironment()
    environment.seed(0)
    environment.reset()
    image = environment.render()
    assert image.shape == (240, 320, 3) and image.dtype == np.uint8
    # The hand is bright in the center, and the background above is dark.
    assert image[120:160, 150:250].mean() > 2 * image[:30].mean() + 30
    environment.close()


def test_two_environments_render_alternately():
    environments = [d4rl.PenEnvironment(), d4rl.DoorEnvironment()]
    for environment in environments:
        environment.seed(0)
        environment.reset()
    first, again = ([each.render() for each in environments] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.any(first[0] != first[1])
    environments[0].close()
    np.testing.assert_array_equal(environments[1].render(), first[1])
    environments[1].close()


@pytest.fixture
def environment():
    made = d4rl.PenEnvironment()
    made.reset()
    return made


def test_error_names_a_backend_that_does_not_work(environment, monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "nonesuch")
    with pytest.raises(errors.RenderingError, match="MUJOCO_GL=nonesuch.*Install"):
        environment.render()
    # Rendering works after the cause is fixed.
    monkeypatch.delenv("MUJOCO_GL")
    assert environment.render().any()


def test_error_without_a_backend_states_what_to_install(environment, monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(errors.RenderingError, match="neither is installed. Install libegl1"):
        environment.render()
