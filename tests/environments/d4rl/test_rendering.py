"""Pictures of simulations, and what is said where none can be drawn."""

import numpy as np
import pytest

from environments import d4rl, errors


def test_pictures_show_something():
    environment = d4rl.PenEnvironment()
    environment.seed(0)
    environment.reset()
    picture = environment.render()
    assert picture.shape == (240, 320, 3) and picture.dtype == np.uint8
    # The hand's skin in the middle, darkness above: neither blank nor upside down.
    assert picture[120:160, 150:250].mean() > 2 * picture[:30].mean() + 30
    environment.close()


def test_two_environments_draw_in_turn():
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


def test_a_backend_that_does_not_work_is_named(environment, monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "nonesuch")
    with pytest.raises(errors.RenderingError, match="MUJOCO_GL=nonesuch.*Install"):
        environment.render()
    # It can be mended meanwhile.
    monkeypatch.delenv("MUJOCO_GL")
    assert environment.render().any()


def test_where_nothing_draws_the_error_says_what_to_install(environment, monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(errors.RenderingError, match="neither is installed. Install libegl1"):
        environment.render()
