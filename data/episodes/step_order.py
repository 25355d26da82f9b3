"""Checks that the step types of frames follow each other as those of episodes do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from tf_agents.trajectories import time_step as ts


class StepTypes(NamedTuple):
    """Step types of consecutive frames.

    Attributes:
        step_type: Integers [n].
        next_step_type: Integers [n].
    """

    step_type: np.ndarray
    next_step_type: np.ndarray


NO_STEP_TYPES = StepTypes(np.zeros(0, np.int32), np.zeros(0, np.int32))


class Disorder(NamedTuple):
    """A frame that cannot follow the one before it.

    Attributes:
        row: Row of the frame, from 0.
        text: What is wrong, as a clause without a subject.
    """

    row: int
    text: str


def find_disorder(frames: StepTypes, previous: StepTypes = NO_STEP_TYPES) -> Disorder | None:
    """Returns the first frame whose step types are impossible, or None.

    Step types are FIRST, MID or LAST. FIRST follows LAST, and may follow any other. Within an
    episode, the `next_step_type` of a frame is the `step_type` of the next. That of its last frame
    may be any, because writers differ.

    Args:
        frames: Step types of the frames.
        previous: Step types of the frame before them, [1]; or of none, [0].
    """
    for name, values in zip(frames._fields, frames):
        row = _first((values < ts.StepType.FIRST) | (values > ts.StepType.LAST))
        if row is not None:
            text = f"has {name} {values[row]}, which is none of FIRST (0), MID (1), LAST (2)"
            return Disorder(row, text)
    steps, after = (np.concatenate(both) for both in zip(previous, frames))
    # Row r + 1 of `steps` follows row r; rows of `frames` begin after those of `previous`.
    offset = 1 - len(previous.step_type)
    continues = steps[1:] != ts.StepType.FIRST
    row = _first(continues & (steps[:-1] == ts.StepType.LAST))
    if row is not None:
        text = "follows the end of an episode (LAST) but does not start a new one (FIRST)"
        return Disorder(row + offset, text)
    row = _first(continues & (steps[1:] != after[:-1]))
    if row is not None:
        text = (
            f"has step_type {steps[row + 1]}, and the next_step_type of the one before it is "
            f"{after[row]}: frames are missing or in another order"
        )
        return Disorder(row + offset, text)
    return None


def _first(is_bad: np.ndarray) -> int | None:
    return int(np.argmax(is_bad)) if is_bad.any() else None
