"""Writes rollouts to video files."""

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
    """Collects the frames of simultaneous episodes and writes the episodes one after another."""

    def __init__(self) -> None:
        self._frames: dict[int, list[np.ndarray]] = {}

    def __call__(self, episode: int, frame: np.ndarray) -> None:
        """Adds a frame, uint8 [H, W, 3], to an episode."""
        self._frames.setdefault(episode, []).append(frame)

    def write(self, path: str | os.PathLike, frames_per_second: int = 20, pause: int = 10) -> None:
        """Writes the episodes in the order of their numbers, atomically.

        Args:
            path: File to create or replace: .mp4 for H.264, or .gif for a GIF in an endless loop.
            frames_per_second: Frame rate of the video.
            pause: Number of additional frames that show the end of each episode.

        Raises:
            RunError: If the file cannot be written.
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


def prepare_output(path: str | os.PathLike) -> None:
    """Checks that a video file can be written, before the video is made.

    Its folder is created if it is missing.

    Raises:
        RunError: If the suffix is not one of `SUFFIXES`, or the file cannot be written.
    """
    if pathlib.Path(path).suffix not in SUFFIXES:
        raise errors.RunError(
            f"{path} is not a video file. Use a name that ends in {' or '.join(SUFFIXES)}."
        )
    files.prepare_output(path)


def _encode(path: pathlib.Path, frames: list[Any], frames_per_second: int) -> None:
    imageio.mimwrite(path, frames, fps=frames_per_second, macro_block_size=2, quality=8)
    # On a full disk ffmpeg stops early, and imageio raises no error.
    try:
        written, _ = imageio_ffmpeg.count_frames_and_secs(str(path))
    except RuntimeError:
        written = 0
    if written != len(frames):
        raise OSError(f"ffmpeg wrote {written} of {len(frames)} frames")
