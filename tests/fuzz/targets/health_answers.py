"""Answers to the health check of a supervisor."""

from __future__ import annotations

import pathlib

import numpy as np

from ibc_agents.core import errors
from ibc_agents.distributed.processes import health, health_report
from tests.fuzz import mutations
from tests.fuzz import target as target_lib

_REPORT = health_report.HealthReport("learner", 4711, True, 300, 0.5, "step 300 of 400")


class _HealthAnswer(target_lib.Target):
    """The bytes of an answer, of which a supervisor uses complete ones alone."""

    name = "job: health answer"
    mutants = 1000

    def prepare(self, folder: pathlib.Path) -> None:
        answer = health.make_answer(_REPORT, b"GET / HTTP/1.0\r\n\r\n")
        (folder / "answer").write_bytes(answer)

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        path = folder / "answer"
        if generator.random() < 0.5:
            text, description = mutations.damage_text(path.read_bytes().decode(), generator)
            path.write_bytes(text.encode())
        else:
            content, description = mutations.damage_bytes(path.read_bytes(), generator)
            path.write_bytes(content)
        return description

    def read(self, folder: pathlib.Path) -> None:
        report = health_report.HealthReport.from_answer((folder / "answer").read_bytes())
        if report is None:
            raise errors.RunError("the supervisor waits for another answer")
        used = (report.process, report.ready, report.message, report.step or 0)
        if [type(value) for value in used] != [int, bool, str, int]:
            raise target_lib.Wrong(f"the fields of {report} have other types")


TARGETS: list[target_lib.Target] = [_HealthAnswer()]
