"""Rollouts as a video file."""

from __future__ import annotations

import io
import os
import pathlib
from typing import Any

import imageio.v2 as imageio
import imageio_ffmpeg
import numpy as np

from ibc_agents.core import errors, files

SUFFIXES = (".mp4", ".gif")


class RolloutRecorder:
    """Collects the frames of episodes that run side by side, and writes them one after another."""

    def __init__(self) -> None:
        """Creates a recorder without frames."""
        self._frames: dict[int, list[np.ndarray]] = {}

    def __call__(self, episode: int, frame: np.ndarray) -> None:
        """Takes a frame, uint8 ``[H, W, 3]``, of an episode."""
        self._frames.setdefault(episode, []).append(frame)

    def write(self, path: str | os.PathLike, frames_per_second: int = 20, pause: int = 10) -> None:
        """Writes all episodes in turn, atomically: H.264 as .mp4, or a GIF that plays for ever.

        Args:
            path: of the file, such as `rollouts.mp4` or `rollouts.gif`.
            frames_per_second: of the video.
            pause: times the last frame of an episode is repeated.

        Raises:
            RunError: if it cannot be written.
        """
        frames: list[Any] = [
            frame
            for episode in sorted(self._frames)
            for frame in [*self._frames[episode], *[self._frames[episode][-1]] * pause]
        ]
        with files.report_disk_errors(path), files.replacing(path) as partial:
            if partial.suffix == ".gif":
                encoded = io.BytesIO()
                milliseconds = 1000 / frames_per_second
                imageio.mimwrite(encoded, frames, format="gif", duration=milliseconds, loop=0)
                partial.write_bytes(encoded.getvalue())
            else:
                _encode(partial, frames, frames_per_second)


def check_suffix(path: str | os.PathLike) -> None:
    """Says early that a video cannot be written in the form that its name asks for.

    Raises:
        RunError: if the suffix is not one of `SUFFIXES`.
    """
    if pathlib.Path(path).suffix not in SUFFIXES:
        raise errors.RunError(f"{path} is no name for a video; end it in {' or '.join(SUFFIXES)}.")


def _encode(path: pathlib.Path, frames: list[Any], frames_per_second: int) -> None:
    imageio.mimwrite(path, frames, fps=frames_per_second, macro_block_size=2, quality=8)
    # Where the disk is full ffmpeg stops early, and nobody hears of it.
    try:
        written, _ = imageio_ffmpeg.count_frames_and_secs(str(path))
    except RuntimeError:
        written = 0
    if written != len(frames):
        raise OSError(f"ffmpeg wrote {written} of {len(frames)} frames")
