"""The success criterion of the particle task: which goals were visited, in which order."""

from __future__ import annotations

import numpy as np

TOLERANCE = 0.05  # radius of a goal, in the units of the positions (paper, appendix)


def distance(position: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Computes Euclidean distances over the last axis in float64, from float32 observations."""
    return np.sqrt(np.sum(np.square(position.astype(np.float64) - goal), axis=-1))


class GoalVisits:
    """Tracks the visits of B particles to their two goals.

    The criterion uses the observed positions (20 Hz), including the first frame. Success can
    therefore be recomputed from a recorded episode, and passing a goal between two frames is not a
    visit.

    A goal is visited at the frame that completes 1 + `wait` consecutive frames within 0.05 of it.
    The task is accomplished at a frame within 0.05 of the second goal if the first goal was visited
    at an earlier frame. With `either_first` the goals may also swap roles.

    Args:
        batch_size: Number of particles B.
        wait: Number of steps to stay within 0.05 of the goal visited first.
        either_first: Whether either goal may be visited first.
    """

    def __init__(self, batch_size: int, wait: int, either_first: bool) -> None:
        self._wait = wait
        self._either_first = either_first
        self._frames_within = np.zeros([batch_size, 2], np.int32)
        self._visited = np.zeros([batch_size, 2], bool)
        self._accomplished = np.zeros(batch_size, bool)

    @property
    def accomplished(self) -> np.ndarray:
        """Whether the task of each row is accomplished at its newest frame, bool [B]."""
        return self._accomplished.copy()

    def restart(self, rows: np.ndarray) -> None:
        """Clears the visits of some rows.

        Args:
            rows: Bool [B], the rows to clear.
        """
        self._frames_within[rows] = 0
        self._visited[rows] = False
        self._accomplished[rows] = False

    def observe(self, distances: np.ndarray, rows: np.ndarray) -> None:
        """Records a new frame of some rows.

        Args:
            distances: Float [B, 2], from the particle to the first and the second goal.
            rows: Bool [B], the rows that have a new frame.
        """
        within = distances <= TOLERANCE
        frames = np.where(within, self._frames_within + 1, 0)
        # `_visited` still refers to the previous frame, because the order of visits is strict.
        accomplished = within[:, 1] & self._visited[:, 0]
        if self._either_first:
            accomplished |= within[:, 0] & self._visited[:, 1]
        self._frames_within[rows] = frames[rows]
        self._accomplished[rows] = accomplished[rows]
        self._visited[rows] |= frames[rows] > self._wait

    def save(self) -> tuple[np.ndarray, ...]:
        """Returns a copy of the complete state."""
        return self._frames_within.copy(), self._visited.copy(), self._accomplished.copy()

    def restore(self, saved: tuple[np.ndarray, ...]) -> None:
        """Restores a copy of a value that `save` returned."""
        frames_within, visited, accomplished = saved
        self._frames_within = frames_within.copy()
        self._visited = visited.copy()
        self._accomplished = accomplished.copy()
