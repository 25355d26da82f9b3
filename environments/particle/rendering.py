"""Images of a particle episode: position, trail, set point and goals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from environments.particle.visits import TOLERANCE

_Color = tuple[int, int, int]
_Point = Sequence[float] | np.ndarray

# Width of a panel in pixels by number of columns. Video codecs need multiples of 16.
_PANEL_PIXELS = {1: 320, 2: 192, 3: 144, 4: 112}
_SUPERSAMPLING = 2  # factor of the antialiasing
_VIEW = (-0.08, 1.08)  # covers the unit square, goal circles at its edge, and overshoot

_BACKGROUND = (250, 250, 248)
_FRAME = (205, 205, 200)
_AGENT = (40, 40, 45)
_TRAIL_START = (222, 222, 226)
_SET_POINT = (200, 40, 60)
# Orange (first goal) and blue (second goal), which color-blind readers can distinguish.
_GOALS = ((214, 126, 0), (0, 104, 178))
_GOAL_HALOS = ((252, 228, 190), (200, 226, 244))


def draw_particle(
    trail: np.ndarray, set_point: np.ndarray, goals: np.ndarray, episode_steps: int
) -> np.ndarray:
    """Draws an episode up to the newest frame.

    A dark disc at the end of the trail shows the agent, a red cross shows the set point, and
    numbered discs (1 orange, 2 blue) show the goals inside circles of the tolerance. Each panel
    shows a pair of consecutive coordinates. For N > 2 a circle is the projection of a ball, so
    being inside the circle in all panels is necessary but not sufficient. An unpaired last
    coordinate is shown on the horizontal axis, with time downward on the vertical axis.

    Args:
        trail: Float [K, N], observed positions, oldest first, K at least 1.
        set_point: Float [N].
        goals: Float [2, N].
        episode_steps: Number of actions in an episode, the length of the time axis.

    Returns:
        Uint8 [H, W, 3], RGB: 320 × 320 for N up to 2, at most 448 × 448.
    """
    panels = math.ceil(trail.shape[1] / 2)
    columns = math.ceil(math.sqrt(panels))
    size = _PANEL_PIXELS[columns]
    canvas = Image.new("RGB", (columns * size, math.ceil(panels / columns) * size), _BACKGROUND)
    for index in range(panels):
        axes = slice(2 * index, 2 * index + 2)
        panel = _Panel(size * _SUPERSAMPLING)
        if trail[:, axes].shape[1] == 2:
            panel.draw_plane(trail[:, axes], set_point[axes], goals[:, axes])
        else:
            panel.draw_line(trail[:, -1], set_point[-1], goals[:, -1], episode_steps)
        image = panel.image.resize((size, size), Image.Resampling.LANCZOS)
        canvas.paste(image, (index % columns * size, index // columns * size))
    return np.array(canvas)


class _Panel:
    """A square image in the coordinates of the task, x to the right and y upward."""

    def __init__(self, pixels: int) -> None:
        self.image = Image.new("RGB", (pixels, pixels), _BACKGROUND)
        self._pen = ImageDraw.Draw(self.image)
        self._scale = pixels / (_VIEW[1] - _VIEW[0])
        self._pixels = pixels
        self._stroke = max(2, pixels // 160)
        corners = [self._at(0.0, 1.0), self._at(1.0, 0.0)]
        self._pen.rectangle(corners, outline=_FRAME, width=self._stroke // 2)

    def draw_plane(self, trail: np.ndarray, set_point: np.ndarray, goals: np.ndarray) -> None:
        """Draws two coordinates: trail [K, 2], set point [2], goals [2, 2]."""
        for goal, halo, color in zip(goals, _GOAL_HALOS, _GOALS, strict=True):
            self._disc(goal, TOLERANCE * self._scale, fill=halo, outline=color)
        self._path(trail)
        self._cross(set_point)
        for number, (goal, color) in enumerate(zip(goals, _GOALS, strict=True), start=1):
            self._goal_label(goal, number, color)
        self._disc(trail[-1], 0.026 * self._scale, fill=_AGENT, outline=_BACKGROUND)

    def draw_line(
        self, trail: np.ndarray, set_point: float, goals: np.ndarray, episode_steps: int
    ) -> None:
        """Draws one coordinate over time: trail [K], set point (), goals [2]."""
        heights = 1.0 - np.arange(len(trail)) / episode_steps
        for goal, halo, color in zip(goals, _GOAL_HALOS, _GOALS, strict=True):
            band = [self._at(goal - TOLERANCE, 1.0), self._at(goal + TOLERANCE, 0.0)]
            self._pen.rectangle(band, fill=halo)
            self._pen.line([self._at(goal, 1.0), self._at(goal, 0.0)], color, self._stroke)
        self._path(np.stack([trail, heights], axis=1))
        self._cross((set_point, heights[-1]))
        for number, (goal, color) in enumerate(zip(goals, _GOALS, strict=True), start=1):
            self._goal_label((goal, 2 - number), number, color)
        self._disc((trail[-1], heights[-1]), 0.026 * self._scale, _AGENT, _BACKGROUND)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        """Returns the pixel of a point."""
        return (x - _VIEW[0]) * self._scale, (_VIEW[1] - y) * self._scale

    def _path(self, points: np.ndarray) -> None:
        """Draws a line that darkens from its oldest to its newest point."""
        shades = np.linspace(_TRAIL_START, _AGENT, len(points) - 1).astype(int)
        for start, end, shade in zip(points[:-1], points[1:], shades, strict=True):
            line = [self._at(*start), self._at(*end)]
            self._pen.line(line, (int(shade[0]), int(shade[1]), int(shade[2])), 2 * self._stroke)

    def _disc(self, center: _Point, radius: float, fill: _Color, outline: _Color) -> None:
        x, y = self._at(*center)
        box = [x - radius, y - radius, x + radius, y + radius]
        self._pen.ellipse(box, fill, outline, self._stroke)

    def _goal_label(self, center: _Point, number: int, color: _Color) -> None:
        radius = max(0.024 * self._scale, 7.0)
        self._disc(center, radius, color, color)
        font = ImageFont.load_default(1.5 * radius)
        self._pen.text(self._at(*center), str(number), (255, 255, 255), font, anchor="mm")

    def _cross(self, center: _Point) -> None:
        x, y = self._at(*center)
        arm = 0.045 * self._scale
        for sign in (-1, 1):
            line = [x - arm, y - sign * arm, x + arm, y + sign * arm]
            self._pen.line(line, _SET_POINT, self._stroke)
