"""The live window shows images, can be closed, and needs a display."""

import numpy as np
import pygame
import pytest

from ibc_agents.core import errors
from ibc_agents.visualization import live_window


@pytest.fixture
def window(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    with live_window.LiveWindow("rollouts", frames_per_second=1000) as window:
        yield window


def test_shows_each_image_enlarged_by_a_whole_factor(window):
    frame = np.random.default_rng(0).integers(0, 256, [90, 120, 3], np.uint8)
    for image in (frame, frame[::-1]):
        window.show(image)
        shown = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
        assert shown.shape == (540, 720, 3)
        np.testing.assert_array_equal(shown[3::6, 3::6], image)


def test_a_large_image_keeps_its_size(window):
    window.show(np.zeros([500, 600, 3], np.uint8))
    assert pygame.display.get_surface().get_size() == (600, 500)


@pytest.mark.parametrize("event", [{"type": pygame.QUIT}, {"type": pygame.KEYDOWN, "key": 27}])
def test_closing_it_interrupts(window, event):
    pygame.event.post(pygame.event.Event(event.pop("type"), **event))
    with pytest.raises(KeyboardInterrupt):
        window.show(np.zeros([48, 48, 3], np.uint8))


def test_without_a_display_the_error_points_to_videos(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SDL_VIDEODRIVER", "x11")
    with pytest.raises(errors.RunError, match="no display.*--video"):
        live_window.LiveWindow("rollouts")
