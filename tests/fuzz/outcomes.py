"""What happened to each mutant, and the table of it."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable

ACCEPTED = "accepted"
SENTENCE = "sentence"
TRACEBACK = "traceback"
WRONG = "wrong"
CRASH = "crash"
HANG = "hang"
MEMORY = "memory"
FAULTS = (TRACEBACK, WRONG, CRASH, HANG, MEMORY)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one mutant did.

    Attributes:
        target: Name of the target.
        number: Number of the mutant. With the target it determines the damage.
        kind: One of the constants of this module.
        damage: Description of the damage.
        message: The error, or an empty string.
    """

    target: str
    number: int
    kind: str
    damage: str
    message: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether it is a fault of the reader."""
        return self.kind in FAULTS

    def __str__(self) -> str:
        return f"{self.target} {self.number}: {self.kind} ({self.damage}) {self.message}".strip()


def format_table(outcomes: Iterable[Outcome]) -> str:
    """Returns the counts of each target as a Markdown table."""
    counts: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    for outcome in outcomes:
        counts[outcome.target][outcome.kind] += 1
        counts["total"][outcome.kind] += 1
    if "total" in counts:
        counts["total"] = counts.pop("total")
    kinds = (ACCEPTED, SENTENCE, *FAULTS)
    rows = [["input", "tried", *kinds], ["---"] * (2 + len(kinds))]
    for name, count in counts.items():
        rows.append([name, str(count.total()), *(str(count[kind]) for kind in kinds)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
