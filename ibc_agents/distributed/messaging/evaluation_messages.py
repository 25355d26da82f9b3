"""Messages between the learner and the evaluators."""

from __future__ import annotations

import dataclasses
import os
import secrets
import socket

import numpy as np

from ibc_agents.distributed.messaging import channels
from ibc_agents.rollouts import evaluation


def unique_name() -> str:
    """Returns a name that no other process has, on any machine and at any time."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


@dataclasses.dataclass(frozen=True)
class Assignments:
    """The episodes that each evaluator runs, from the learner to all evaluators.

    Attributes:
        learner: Unique name of the learner.
        step: Train step of the policy to evaluate, the newest published one; −1 for none.
        seed: Seed of the evaluation.
        ranges: First episode and end of the range of each evaluator, by its name.
        job_finished: Whether the job has finished.
    """

    learner: str
    step: int = -1
    seed: int = 0
    ranges: dict[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
    job_finished: bool = False

    def to_message(self) -> list[np.ndarray]:
        """Encodes the assignments."""
        return [channels.encode_json(dataclasses.asdict(self))]

    @classmethod
    def from_message(cls, message: list[np.ndarray]) -> Assignments:
        """Decodes a message of `to_message`."""
        fields = channels.decode_json(message[0])
        ranges = {name: (first, end) for name, (first, end) in fields.pop("ranges").items()}
        return cls(**fields, ranges=ranges)


@dataclasses.dataclass(frozen=True)
class Report:
    """The newest outcomes of an evaluator, sent repeatedly as its heartbeat.

    Attributes:
        evaluator: Unique name of the evaluator.
        learner: Name of the learner that published the policy; empty for none.
        step: Train step of the policy; −1 for none.
        seed: Seed of the evaluation.
        outcomes: Outcomes of the episodes.
    """

    evaluator: str
    learner: str = ""
    step: int = -1
    seed: int = 0
    outcomes: tuple[evaluation.Outcome, ...] = ()

    def to_message(self) -> list[np.ndarray]:
        """Encodes the report."""
        return [channels.encode_json(dataclasses.asdict(self))]

    @classmethod
    def from_message(cls, message: list[np.ndarray]) -> Report:
        """Decodes a message of `to_message`."""
        fields = channels.decode_json(message[0])
        outcomes = tuple(evaluation.Outcome(**outcome) for outcome in fields.pop("outcomes"))
        return cls(**fields, outcomes=outcomes)
