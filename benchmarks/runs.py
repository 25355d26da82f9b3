"""What the tables of results share: a run of the train command, and what came of it as a row."""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

# A task and a method, by the names that commands, files and folders know them by.
Cell = tuple[str, str]

ROOT = pathlib.Path(__file__).resolve().parent.parent


def train(
    gin_files: Sequence[str], bindings: Sequence[str], root_dir: pathlib.Path, seed: int
) -> None:
    """Runs the train command; a finished run is not repeated, an interrupted one goes on.

    Args:
        gin_files: by their paths in gin_configs without the ending, the task first.
        bindings: after the files.
        root_dir: of the run.
        seed: of training.
    """
    if (root_dir / "results.json").exists():
        return
    command(
        "ibc_agents.train",
        *(f"--gin_file=gin_configs/{name}.gin" for name in gin_files),
        *(f"--gin_bindings={binding}" for binding in bindings),
        f"--root_dir={root_dir}",
        f"--data_dir={ROOT / 'datasets'}",
        f"--seed={seed}",
    )


def evaluate(root_dir: pathlib.Path, bindings: Sequence[str], results: pathlib.Path) -> None:
    """Runs the evaluate command on a finished run, unless its results are already there."""
    if results.exists():
        return
    command(
        "ibc_agents.evaluate",
        f"--policy={root_dir}",
        *(f"--gin_bindings={binding}" for binding in bindings),
        f"--results={results}",
    )


def keep(results: pathlib.Path, path: pathlib.Path) -> None:
    """Copies results to where they are committed, without single episodes and where they lay."""
    content = json.loads(results.read_text())
    del content["episodes"]
    content.pop("policy", None)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")


def train_wanted(doc: str, cells: Sequence[Cell], train: Callable[[str, str, int], None]) -> None:
    """Trains the cells that the command line asks for, one after another.

    Args:
        doc: of the command.
        cells: in the order of the table.
        train: takes a task, a method and a seed of training.
    """
    tasks, methods = (list(dict.fromkeys(names)) for names in zip(*cells, strict=True))
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("task", nargs="?", choices=tasks, help="by default all")
    parser.add_argument("method", nargs="?", choices=methods, help="by default all")
    parser.add_argument("--seed", type=int, default=0, choices=range(10), help="of training")
    parser.add_argument("--only_print", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    for task, method in cells:
        wanted = arguments.task in (None, task) and arguments.method in (None, method)
        if wanted and not arguments.only_print:
            train(task, method, arguments.seed)


def found(folder: pathlib.Path, cell: Cell) -> list[pathlib.Path]:
    """Returns the results of a cell that were kept, by seed."""
    return sorted(folder.glob(f"{cell[0]}_{cell[1]}_seed?.json"))


def print_table(
    columns: Sequence[str],
    cells: Mapping[Cell, Sequence[str]],
    rows: Callable[[Cell], Iterator[str]],
) -> None:
    """Prints a table as Markdown; cells without a result say so.

    Args:
        columns: their headings.
        cells: with which columns each begins.
        rows: gives the other columns of each of a cell's rows.
    """
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for cell, start in cells.items():
        none = "not run" + " |" * (len(columns) - len(start) - 1)
        for row in list(rows(cell)) or [none]:
            print("| " + " | ".join([*start, row]) + " |")


def success(results: dict[str, Any]) -> str:
    """Two cells of a Markdown table: successes and their interval."""
    low, high = results["success"]["interval"]
    return f"{results['success']['successes']} | {100 * low:.0f}–{100 * high:.0f} %"


def effort(results: dict[str, Any]) -> str:
    """Two cells of a Markdown table: steps and wall time."""
    time = f"{results['wall_time_s']['total'] / 60:.1f} min"
    if results["resumed_at_step"]:
        time += f", from step {results['resumed_at_step']:,} on"
    return f"{results['train_steps']:,} | {time}"


def command(module: str, *flags: str) -> None:
    """Runs one of the project's commands."""
    subprocess.run([sys.executable, "-m", module, *flags], check=True, cwd=ROOT)
