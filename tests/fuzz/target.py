"""What is fuzzed: an input of the project, its damage, and the code that reads it."""

from __future__ import annotations

import abc
import functools
import importlib
import pathlib

import numpy as np

_TARGETS = pathlib.Path(__file__).with_name("targets")


class Wrong(Exception):
    """The reader accepted a damaged input and computed something wrong without an error."""


class Target(abc.ABC):
    """One kind of input.

    Attributes:
        name: Name of the target, unique.
        mutants: Number of damaged inputs in the complete run.
    """

    name: str
    mutants: int

    @abc.abstractmethod
    def prepare(self, folder: pathlib.Path) -> None:
        """Writes the undamaged input. Equal calls write equal inputs.

        Args:
            folder: An empty folder.
        """

    @abc.abstractmethod
    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        """Damages a copy of the undamaged input.

        Args:
            folder: The copy.
            generator: The only source of randomness.

        Returns:
            A description of the damage in one line.
        """

    @abc.abstractmethod
    def read(self, folder: pathlib.Path) -> None:
        """Uses an input as the commands do. The undamaged input must be accepted.

        Args:
            folder: The undamaged input, or a damaged copy.

        Raises:
            UserError: If the reader rejects the input. Other errors are faults.
            Wrong: If the reader accepted the input and the result is wrong.
        """


@functools.cache
def all_targets() -> dict[str, Target]:
    """Returns every target of the modules in `tests/fuzz/targets` by its name."""
    found: dict[str, Target] = {}
    for path in sorted(_TARGETS.glob("[!_]*.py")):
        module = importlib.import_module(f"tests.fuzz.targets.{path.stem}")
        for target in module.TARGETS:
            if target.name in found:
                raise ValueError(f"two targets have the name {target.name!r}")
            found[target.name] = target
    return found
