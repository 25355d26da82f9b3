"""A study as a value: tasks, methods, and their combinations."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple


class Cell(NamedTuple):
    """The name of a task and the name of a method."""

    task: str
    method: str


@dataclasses.dataclass(frozen=True)
class Task:
    """One task of a study.

    Attributes:
        title: Name in tables.
        gin_files: Gin files, read before those of the method.
        bindings: Gin bindings, applied after all files.
        dataset: Folder of demonstrations that must exist; None if the train command collects them.
    """

    title: str
    gin_files: Sequence[str]
    bindings: Sequence[str] = ()
    dataset: pathlib.Path | None = None


@dataclasses.dataclass(frozen=True)
class Method:
    """One method of a study.

    Attributes:
        title: Name in tables.
        gin_files: Gin files, read after those of the task.
        bindings: Gin bindings, applied after those of the task.
    """

    title: str
    gin_files: Sequence[str]
    bindings: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Variation:
    """Settings of one cell that differ from those of its task and method.

    Attributes:
        gin_files: Gin files that replace those of task and method; None keeps them.
        bindings: Gin bindings, applied after those of task and method, such as a budget.
    """

    gin_files: Sequence[str] | None = None
    bindings: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A further evaluation of each trained policy, with other settings.

    Attributes:
        bindings: Gin bindings of the evaluate command.
        tasks: Names of the tasks that it applies to; None for all.
    """

    bindings: Sequence[str]
    tasks: Collection[str] | None = None


@dataclasses.dataclass(frozen=True)
class Run:
    """One training and its evaluations, as the commands receive them.

    Attributes:
        cell: Cell of the study.
        seed: Training seed.
        gin_files: Gin files in reading order.
        bindings: Gin bindings in order of application.
        evaluations: Bindings of the further evaluations, by name.
        dataset: Folder of demonstrations that must exist, or None.
    """

    cell: Cell
    seed: int
    gin_files: tuple[str, ...]
    bindings: tuple[str, ...]
    evaluations: Mapping[str, tuple[str, ...]]
    dataset: pathlib.Path | None = None

    @property
    def name(self) -> str:
        """Name of the folder and of the result files: ``TASK_METHOD_seedN``."""
        return f"{self.cell.task}_{self.cell.method}_seed{self.seed}"


@dataclasses.dataclass(frozen=True)
class Study:
    """Tasks × methods. A cell reads the gin files of its task, then those of its method.

    Examples:
        >>> study = Study(
        ...     name="particle",
        ...     tasks={"2d": Task("2-D", ["gin_configs/tasks/particle.gin"])},
        ...     methods={"mse": Method("MSE", ["gin_configs/methods/mse.gin"])},
        ...     variations={Cell("2d", "mse"): Variation(bindings=["num_steps = 100"])},
        ... )
        >>> study.run(Cell("2d", "mse"), seed=1).bindings
        ('num_steps = 100',)

    Attributes:
        name: Name of the study and of its folders.
        tasks: Tasks by name.
        methods: Methods by name.
        bindings: Gin bindings of all runs, applied before all others.
        variations: Settings in which single cells differ.
        excluded: Cells that the study leaves out.
        evaluations: Further evaluations of each policy, by name.
    """

    name: str
    tasks: Mapping[str, Task]
    methods: Mapping[str, Method]
    bindings: Sequence[str] = ()
    variations: Mapping[Cell, Variation] = dataclasses.field(default_factory=dict)
    excluded: Collection[Cell] = ()
    evaluations: Mapping[str, Evaluation] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        """Checks that variations and exclusions name cells of the study.

        Raises:
            ValueError: If a cell does not exist.
        """
        known = {Cell(task, method) for task in self.tasks for method in self.methods}
        unknown = {*self.variations, *self.excluded} - known
        if unknown:
            names = ", ".join(f"{task} × {method}" for task, method in sorted(unknown))
            raise ValueError(f"The study {self.name} has no such cells: {names}.")

    def cells(
        self, tasks: Iterable[str] | None = None, methods: Iterable[str] | None = None
    ) -> list[Cell]:
        """Returns cells, task by task.

        Args:
            tasks: Names of tasks; None for all.
            methods: Names of methods; None for all.

        Raises:
            ValueError: If a name does not exist; the message lists the names that do.
        """
        tasks = _known("task", tasks, self.tasks)
        methods = _known("method", methods, self.methods)
        cells = (Cell(task, method) for task in tasks for method in methods)
        return [cell for cell in cells if cell not in self.excluded]

    def run(self, cell: Cell, seed: int) -> Run:
        """Returns the run of a cell with a training seed."""
        task, method = self.tasks[cell.task], self.methods[cell.method]
        variation = self.variations.get(cell, Variation())
        files = variation.gin_files
        return Run(
            cell=cell,
            seed=seed,
            gin_files=tuple([*task.gin_files, *method.gin_files] if files is None else files),
            bindings=(*self.bindings, *task.bindings, *method.bindings, *variation.bindings),
            evaluations={
                name: tuple(evaluation.bindings)
                for name, evaluation in self.evaluations.items()
                if evaluation.tasks is None or cell.task in evaluation.tasks
            },
            dataset=task.dataset,
        )


def _known(kind: str, names: Iterable[str] | None, known: Mapping[str, object]) -> list[str]:
    chosen = list(known if names is None else names)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise ValueError(
            f"There is no {kind} called {', '.join(unknown)}; choose from {', '.join(known)}."
        )
    return chosen
