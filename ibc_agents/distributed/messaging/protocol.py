"""What learner and evaluators say to each other."""

from __future__ import annotations

import dataclasses
import os
import secrets
import socket

import numpy as np

from ibc_agents.distributed.messaging import messages
from ibc_agents.rollouts import evaluation


def own_name() -> str:
    """Returns a name that no other process ever has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


@dataclasses.dataclass(frozen=True)
class Orders:
    """Of the learner, to all evaluators.

    Attributes:
        learner: its name, which no other process ever has.
        step: of the policy to evaluate: the newest that was pushed; −1 for none.
        seed: of the evaluation.
        parts: the first episode and the end of what each evaluator is to run.
        finished: whether the job has ended.
    """

    learner: str
    step: int = -1
    seed: int = 0
    parts: dict[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
    finished: bool = False

    def to_message(self) -> list[np.ndarray]:
        """Returns the orders for a board."""
        return [messages.to_array(dataclasses.asdict(self))]

    @classmethod
    def from_message(cls, message: list[np.ndarray]) -> Orders:
        """Returns what was put on the board."""
        told = messages.from_array(message[0])
        parts = {name: (first, end) for name, (first, end) in told.pop("parts").items()}
        return cls(**told, parts=parts)


@dataclasses.dataclass(frozen=True)
class Report:
    """Of an evaluator, again and again: that it is there, and what it has found last.

    Attributes:
        evaluator: its name, which no other process ever has.
        learner: who published that policy; empty for none.
        step: of the policy it evaluated last; −1 for none.
        seed: of that evaluation.
        outcomes: of the episodes it ran last.
    """

    evaluator: str
    learner: str = ""
    step: int = -1
    seed: int = 0
    outcomes: tuple[evaluation.Outcome, ...] = ()

    def to_message(self) -> list[np.ndarray]:
        """Returns the report for a mailbox."""
        return [messages.to_array(dataclasses.asdict(self))]

    @classmethod
    def from_message(cls, message: list[np.ndarray]) -> Report:
        """Returns what was sent."""
        told = messages.from_array(message[0])
        outcomes = tuple(evaluation.Outcome(**outcome) for outcome in told.pop("outcomes"))
        return cls(**told, outcomes=outcomes)
