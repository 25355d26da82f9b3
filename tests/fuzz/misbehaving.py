"""A target whose mutants do, in turn, what a reader must not do."""

from __future__ import annotations

import os
import pathlib
import signal
import time

import numpy as np

from ibc_agents.core import errors
from tests.fuzz import mutations, outcomes
from tests.fuzz import target as target_lib

_KINDS = (outcomes.ACCEPTED, outcomes.SENTENCE, *outcomes.FAULTS)


class MisbehavingTarget(target_lib.Target):
    """The description of the damage is the kind of outcome that it leads to."""

    name = "misbehaving"
    mutants = 30

    def prepare(self, folder: pathlib.Path) -> None:
        (folder / "kind").write_text(outcomes.ACCEPTED)

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        kind = mutations.choose(generator, _KINDS)
        (folder / "kind").write_text(kind)
        return kind

    def read(self, folder: pathlib.Path) -> None:
        kind = (folder / "kind").read_text()
        if kind == outcomes.SENTENCE:
            raise errors.UserError("the input is damaged.")
        if kind == outcomes.TRACEBACK:
            raise KeyError("fault")
        if kind == outcomes.WRONG:
            raise target_lib.Wrong("the sum is wrong")
        if kind == outcomes.CRASH:
            os.kill(os.getpid(), signal.SIGSEGV)
        if kind == outcomes.HANG:
            time.sleep(1_000)
        if kind == outcomes.MEMORY:
            bytearray(2**34)


class RefusedTarget(MisbehavingTarget):
    """A target whose reader does not accept the undamaged input."""

    name = "refused"

    def read(self, folder: pathlib.Path) -> None:
        raise errors.UserError("the input is damaged.")
