"""Which goals have been visited, and in what order: the particle's measure of success."""

from __future__ import annotations

import numpy as np

TOLERANCE = 0.05  # a goal is visited within this distance (paper, appendix; same length unit)


def distance(position: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Euclidean distance over the last axis, of observed (float32) values, in float64."""
    return np.sqrt(np.sum(np.square(position.astype(np.float64) - goal), axis=-1))


class GoalVisits:
    """The visits of B particles to their two goals.

    Looked at once a frame, at the positions that are observed (20 Hz), the first frame included:
    so success can be recomputed from a recorded episode, and a particle that flies past a goal
    between two frames has not visited it.

    A goal is *visited* at the frame that completes 1 + `wait` consecutive frames within 0.05 of
    it. The task is accomplished at a frame that is within 0.05 of the second goal, the first
    having been visited at an earlier frame; with `either_first`, also with the goals' parts
    exchanged.

    Args:
        batch_size: B.
        wait: Steps to stay within reach of the goal that is visited first.
        either_first: Whether either goal may be the first.
    """

    def __init__(self, batch_size: int, wait: int, either_first: bool) -> None:
        self._wait = wait
        self._either_first = either_first
        self._frames_within = np.zeros([batch_size, 2], np.int32)
        self._visited = np.zeros([batch_size, 2], bool)
        self._accomplished = np.zeros(batch_size, bool)

    @property
    def accomplished(self) -> np.ndarray:
        """Whether each row's task is accomplished as of its newest frame: bool [B]."""
        return self._accomplished.copy()

    def restart(self, rows: np.ndarray) -> None:
        """Forgets everything of some rows.

        Args:
            rows: bool [B].
        """
        self._frames_within[rows] = 0
        self._visited[rows] = False
        self._accomplished[rows] = False

    def observe(self, distances: np.ndarray, rows: np.ndarray) -> None:
        """Takes in a new frame of some rows.

        Args:
            distances: float [B, 2], from the particle to the first and the second goal.
            rows: bool [B], the rows that have a new frame.
        """
        within = distances <= TOLERANCE
        frames = np.where(within, self._frames_within + 1, 0)
        # `_visited` still ends with the frame before: "then" means at a later frame.
        accomplished = within[:, 1] & self._visited[:, 0]
        if self._either_first:
            accomplished |= within[:, 0] & self._visited[:, 1]
        self._frames_within[rows] = frames[rows]
        self._accomplished[rows] = accomplished[rows]
        self._visited[rows] |= frames[rows] > self._wait

    def save(self) -> tuple[np.ndarray, ...]:
        """A copy of all that `restore` needs."""
        return self._frames_within.copy(), self._visited.copy(), self._accomplished.copy()

    def restore(self, saved: tuple[np.ndarray, ...]) -> None:
        """Takes over a copy of what `save` returned."""
        frames_within, visited, accomplished = saved
        self._frames_within = frames_within.copy()
        self._visited = visited.copy()
        self._accomplished = accomplished.copy()
