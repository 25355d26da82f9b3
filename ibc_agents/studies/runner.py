"""Runs a study: skips finished runs, resumes interrupted ones, keeps the results."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ibc_agents.core import errors, files
from ibc_agents.studies import study as study_lib

Execute = Callable[[str, Sequence[str]], None]
"""Runs a command of ibc_agents, given its module and its flags, and waits for its end. It raises a
`UserError` if the command fails. A cluster's scheduler can take the place of `in_subprocess`."""

_RESULTS = "results.json"
# Key of the gin files and bindings in result files; each folder of a run has a file of them.
_DECLARATION = "declaration"
# Kept results are committed: they contain neither single episodes nor paths of one machine.
_NOT_KEPT = ("episodes", "policy")
_HOW_TO_REPEAT = "Restore it from a copy, or delete it to repeat what made it."
# Exit code of a command after Ctrl-C.
_INTERRUPTED = 130


class Runner:
    """Trains and evaluates the runs of a study, one after another.

    A run is finished when the results folder contains ``NAME.json`` and, for each further
    evaluation, ``NAME_EVALUATION.json``. An interrupted run resumes from its last checkpoint.
    """

    def __init__(
        self,
        study: study_lib.Study,
        runs_dir: str | os.PathLike,
        results_dir: str | os.PathLike,
        data_dir: str | os.PathLike,
        execute: Execute | None = None,
        report: Callable[[str], None] = print,
    ):
        """Creates the runner; it reads and writes nothing yet.

        Args:
            study: Study to run.
            runs_dir: Folder of the runs; each has its own folder in it.
            results_dir: Folder of the result files.
            data_dir: Folder of collected demonstrations, for the train command.
            execute: Runs a command; by default in a process on this machine.
            report: Receives a line of progress.
        """
        self._study = study
        self._runs_dir = pathlib.Path(runs_dir)
        self._results_dir = pathlib.Path(results_dir)
        self._data_dir = pathlib.Path(data_dir)
        self._execute = execute or in_subprocess
        self._report = report

    def run(self, cells: Sequence[study_lib.Cell], seeds: Sequence[int]) -> None:
        """Runs cells with seeds, cell by cell.

        A run whose dataset is missing is skipped with a line of progress. A run that fails does
        not stop the others.

        Args:
            cells: Cells of the study.
            seeds: Training seeds.

        Raises:
            UserError: If runs failed; raised after all runs, with their names.
        """
        runs = [self._study.run(cell, seed) for cell in cells for seed in seeds]
        missing = [run for run in runs if not self.is_finished(run)]
        self._report(f"{self._study.name}: {len(runs) - len(missing)} of {len(runs)} runs finished")
        failed: dict[str, str] = {}
        for number, run in enumerate(missing, 1):
            if run.dataset is not None and not run.dataset.exists():
                self._report(f"{run.name}: skipped, because {run.dataset} does not exist")
                continue
            self._report(f"{run.name}: run {number} of {len(missing)}")
            try:
                self._finish(run)
            except errors.UserError as error:
                failed[run.name] = str(error)
                self._report(f"{run.name}: {error}")
        if failed:
            raise errors.UserError(
                f"{len(failed)} of {len(missing)} runs failed: {', '.join(failed)}. Their messages "
                "are above. Run the same command again to repeat only the failed runs."
            )

    def is_finished(self, run: study_lib.Run) -> bool:
        """Whether all results of a run are kept.

        Raises:
            UserError: If they were made with other gin files or bindings than the study now has.
        """
        kept = [self._kept(run, name) for name in (None, *run.evaluations)]
        if not all(path.exists() for path in kept):
            return False
        _check_declaration(run, _read_results(kept[0]).get(_DECLARATION), kept[0])
        return True

    def results(
        self, cell: study_lib.Cell, evaluation: str | None = None
    ) -> dict[int, dict[str, Any]]:
        """Returns the results of a cell by training seed, in ascending order.

        Args:
            cell: Cell of the study.
            evaluation: Name of a further evaluation; None for the one that ends the training.

        Raises:
            UserError: If a result file is damaged.
        """
        suffix = "" if evaluation is None else f"_{evaluation}"
        prefix = f"{cell.task}_{cell.method}_seed"
        found = {}
        for path in self._results_dir.glob(f"{prefix}*{suffix}.json"):
            seed = path.stem.removeprefix(prefix).removesuffix(suffix)
            if seed.isdecimal():
                found[int(seed)] = _read_results(path)
        return dict(sorted(found.items()))

    def _finish(self, run: study_lib.Run) -> None:
        """Trains a run to its end, evaluates it, and keeps the results."""
        root_dir = self._runs_dir / run.name
        declaration = root_dir / f"{_DECLARATION}.json"
        if declaration.exists():
            _check_declaration(run, _read_results(declaration), root_dir)
        else:
            with files.report_disk_errors(declaration):
                root_dir.mkdir(parents=True, exist_ok=True)
                files.write_json(declaration, _declaration(run))
        if not (root_dir / _RESULTS).exists():
            self._execute("ibc_agents.train", self._train_flags(run, root_dir))
        for name, bindings in run.evaluations.items():
            results = root_dir / f"results_{name}.json"
            if not results.exists():
                # The study made the run itself, perhaps with modules of its own.
                paths = [f"--policy={root_dir}", f"--results={results}"]
                flags = [*paths, "--trust", *_binding_flags(bindings)]
                self._execute("ibc_agents.evaluate", flags)
        # The results of training are written last, so that their presence implies the others.
        for name in run.evaluations:
            self._keep(run, root_dir / f"results_{name}.json", self._kept(run, name))
        self._keep(run, root_dir / _RESULTS, self._kept(run, None))

    def _train_flags(self, run: study_lib.Run, root_dir: pathlib.Path) -> list[str]:
        return [
            *(f"--gin_file={path}" for path in run.gin_files),
            *_binding_flags(run.bindings),
            f"--root_dir={root_dir}",
            f"--data_dir={self._data_dir}",
            f"--seed={run.seed}",
        ]

    def _kept(self, run: study_lib.Run, evaluation: str | None) -> pathlib.Path:
        suffix = "" if evaluation is None else f"_{evaluation}"
        return self._results_dir / f"{run.name}{suffix}.json"

    def _keep(self, run: study_lib.Run, results: pathlib.Path, path: pathlib.Path) -> None:
        """Copies results to the results folder."""
        if not results.exists():
            raise errors.UserError(
                f"{run.name}: the command ended without {results}. The task may lack an "
                "environment: set Task.environment."
            )
        content = _read_results(results)
        kept = {key: value for key, value in content.items() if key not in _NOT_KEPT}
        kept[_DECLARATION] = _declaration(run)
        with files.report_disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write_json(path, kept)


def in_subprocess(module: str, flags: Sequence[str]) -> None:
    """Runs a command in a process on this machine; its output goes to the terminal.

    Args:
        module: Module of the command, such as ``ibc_agents.train``.
        flags: Flags of the command.

    Raises:
        UserError: If the command fails.
        KeyboardInterrupt: If the command was interrupted.
    """
    done = subprocess.run([sys.executable, "-m", module, *flags])
    if done.returncode == _INTERRUPTED:
        raise KeyboardInterrupt
    if done.returncode:
        raise errors.UserError(f"{module} ended with exit code {done.returncode}.")


def _read_results(path: pathlib.Path) -> dict[str, Any]:
    """Returns the content of a JSON file of a run."""
    try:
        content = files.read_json(path)
    except (OSError, ValueError) as error:
        raise errors.UserError(f"{path} is damaged ({error}). {_HOW_TO_REPEAT}") from error
    if not isinstance(content, dict):
        raise errors.UserError(f"{path} is damaged: it is not a JSON object. {_HOW_TO_REPEAT}")
    return content


def _declaration(run: study_lib.Run) -> dict[str, list[str]]:
    return {"gin_files": list(run.gin_files), "bindings": list(run.bindings)}


def _check_declaration(
    run: study_lib.Run, known: dict[str, list[str]] | None, path: pathlib.Path
) -> None:
    """Raises a UserError if a run was made with other settings; old results have none."""
    if known is not None and known != _declaration(run):
        raise errors.UserError(
            f"{path} belongs to a run with other settings ({known}) than the study now has for "
            f"{run.name} ({_declaration(run)}). Delete the result files and the folder of the run "
            "to repeat it, or restore the study."
        )


def _binding_flags(bindings: Sequence[str]) -> list[str]:
    return [f"--gin_bindings={binding}" for binding in bindings]
