"""Shows rollouts in a window while they run."""

from __future__ import annotations

import os
from types import TracebackType

import numpy as np

from ibc_agents.core import errors

_MIN_HEIGHT = 480  # pixels; smaller images are enlarged by a whole factor


class LiveWindow:
    """A window that shows images at a limited rate.

    If the user closes the window or presses Escape, the next image raises `KeyboardInterrupt`.
    The constructor opens the window, and leaving the context closes it.

    Args:
        title: Title of the window.
        frames_per_second: Largest number of images per second.

    Raises:
        RunError: If there is no display.
    """

    def __init__(self, title: str, frames_per_second: int = 20) -> None:
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        import pygame

        self._pygame = pygame
        self._frames_per_second = frames_per_second
        try:
            pygame.display.init()
            pygame.display.set_mode((_MIN_HEIGHT, _MIN_HEIGHT))
        except pygame.error as error:
            raise errors.RunError(
                f"there is no display to open a window on ({error}); make a video instead with "
                "--video=rollouts.mp4"
            ) from error
        pygame.display.set_caption(title)
        self._clock = pygame.time.Clock()

    def __enter__(self) -> LiveWindow:
        """Returns the window."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the window."""
        self._pygame.display.quit()

    def show(self, frame: np.ndarray) -> None:
        """Shows an image and waits for the time of the next one.

        Args:
            frame: The image, uint8 [H, W, 3].

        Raises:
            KeyboardInterrupt: If the user has closed the window.
        """
        pygame = self._pygame
        for event in pygame.event.get():
            escape = event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE
            if escape or event.type == pygame.QUIT:
                raise KeyboardInterrupt
        factor = max(1, -(-_MIN_HEIGHT // frame.shape[0]))
        image = np.kron(frame, np.ones([factor, factor, 1], np.uint8)).swapaxes(0, 1)
        size = image.shape[:2]
        if pygame.display.get_surface().get_size() != size:
            pygame.display.set_mode(size)
        pygame.surfarray.blit_array(pygame.display.get_surface(), image)
        pygame.display.flip()
        self._clock.tick(self._frames_per_second)
