"""Draws Push-T as in the published images."""

from __future__ import annotations

import numpy as np
import pygame

from environments.push_t import geometry

_WHITE = (255, 255, 255)
_TARGET_COLOR = (144, 238, 144)
_WALL_COLOR = (211, 211, 211)
_BLOCK_COLOR = (119, 136, 153)
_DISC_COLOR = (65, 105, 225)
_EDGE_WIDTH = 4  # pixels


def draw(disc: np.ndarray, block: geometry.Pose, size: int) -> np.ndarray:
    """Draws a state.

    Args:
        disc: Position of the disc, [2], in pixels of the plane.
        block: Pose of the block.
        size: Height and width of the image in pixels, at most 512.

    Returns:
        Uint8 [size, size, 3], RGB.
    """
    canvas = pygame.Surface((geometry.SIZE, geometry.SIZE), depth=24)
    canvas.fill(_WHITE)
    for bar in geometry.TARGET.transform(geometry.BARS):
        pygame.draw.polygon(canvas, _TARGET_COLOR, _corners(bar))
    center = round(disc[0]), round(disc[1])
    radius = geometry.DISC_RADIUS
    pygame.draw.circle(canvas, _DISC_COLOR, center, radius)
    pygame.draw.circle(canvas, _light(_DISC_COLOR), center, radius - _EDGE_WIDTH)
    for bar in block.transform(geometry.BARS):
        pygame.draw.polygon(canvas, _light(_BLOCK_COLOR), _corners(bar))
        for start, end in zip(bar, np.roll(bar, -1, axis=0), strict=True):
            _draw_thick_line(canvas, _BLOCK_COLOR, start, end, _EDGE_WIDTH // 2)
    low, high = geometry.WALL_LOW, geometry.WALL_HIGH
    corners = np.array([(low, low), (high, low), (high, high), (low, high)], np.float64)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        _draw_thick_line(canvas, _WALL_COLOR, start, end, geometry.WALL_RADIUS)
    return _resize(canvas, size)


def _corners(points: np.ndarray) -> list[tuple[int, int]]:
    return [(round(x), round(y)) for x, y in points]


def _light(color: tuple[int, int, int]) -> tuple[int, ...]:
    return tuple(min(int(1.2 * value), 255) for value in color)


def _draw_thick_line(canvas, color, start, end, radius: int) -> None:
    """Draws a line with round ends."""
    first, last = _corners(np.array([start, end]))
    length = np.hypot(last[0] - first[0], last[1] - first[1])
    across = radius * np.abs([last[1] - first[1], last[0] - first[0]]) / max(length, 1e-9)
    pygame.draw.lines(canvas, color, False, [first, last], 2 * radius)
    corners = [first - across, first + across, last + across, last - across]
    pygame.draw.polygon(canvas, color, corners)
    pygame.draw.circle(canvas, color, first, radius)
    pygame.draw.circle(canvas, color, last, radius)


def _resize(canvas: pygame.Surface, size: int) -> np.ndarray:
    """Returns a square canvas at another size, by bilinear interpolation without a filter.

    The published images are made in this way, so most of their pixels are those of the canvas.
    """
    width = canvas.get_width()
    position = np.clip((np.arange(size) + 0.5) * width / size - 0.5, 0, width - 1)
    low = position.astype(int)
    high = np.minimum(low + 1, width - 1)
    weight = (position - low).astype(np.float32)
    pixels = np.frombuffer(pygame.image.tostring(canvas, "RGB"), np.uint8)
    pixels = pixels.reshape(width, width, 3)
    rows = _mix(pixels[low], pixels[high], weight[:, None, None])
    return np.rint(_mix(rows[:, low], rows[:, high], weight[:, None])).astype(np.uint8)


def _mix(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return first + weight * (second.astype(np.float32) - first)
