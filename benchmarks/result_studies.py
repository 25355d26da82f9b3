"""The command line of the result studies, and their tables in documents.

The module of a study declares its cells as an `ibc_agents.studies.Study` and makes its tables.
`main` trains the missing cells and prints the tables. With ``--write`` it also replaces the tables
in the study's document, which are marked by ``<!-- NAME: … -->`` and ``<!-- end of NAME -->``.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from checkout import ROOT  # makes the project importable; must precede its imports
from matplotlib import figure

from ibc_agents import studies
from ibc_agents.core import errors

Results = dict[str, Any]
"""The content of a results.json."""

Tables = Callable[[studies.Runner], Mapping[str, str]]
"""Makes the tables of a study as Markdown, by name."""

Plots = Mapping[str, Callable[[studies.Runner], figure.Figure]]
"""Draws the plots of a study, by the path relative to the checkout."""


def method(title: str, name: str) -> studies.Method:
    """Returns the method of the file gin_configs/methods/NAME.gin."""
    return studies.Method(title, [f"gin_configs/methods/{name}.gin"])


def make_runner(study: studies.Study) -> studies.Runner:
    """Returns the runner of a study, with the folders of this checkout."""
    return studies.Runner(
        study,
        runs_dir=ROOT / "runs" / study.name,
        results_dir=ROOT / "benchmarks" / "results" / study.name,
        data_dir=ROOT / "datasets",
    )


def main(
    description: str,
    study: studies.Study,
    tables: Tables,
    document: str,
    plots: Plots | None = None,
) -> None:
    """Runs the command of a study.

    Args:
        description: Docstring of the study's module.
        study: Study to run.
        tables: Function that makes its tables.
        document: Path of the document that shows them, relative to the checkout.
        plots: Its plots, which ``--write`` draws.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--task", nargs="+", choices=list(study.tasks), help="default: all")
    parser.add_argument("--method", nargs="+", choices=list(study.methods), help="default: all")
    parser.add_argument("--seed", nargs="+", type=int, default=[0], help="default: 0")
    parser.add_argument("--only_print", action="store_true", help="train no missing cells")
    parser.add_argument("--write", action="store_true", help=f"update the tables in {document}")
    arguments = parser.parse_args()
    runner = make_runner(study)
    try:
        if not arguments.only_print:
            runner.run(study.cells(arguments.task, arguments.method), arguments.seed)
    except errors.UserError as error:
        sys.exit(f"error: {error}")
    for name, table in tables(runner).items():
        print(f"\n{name}\n\n{table}")
        if arguments.write:
            path = ROOT / document
            text = replace_table(path.read_text(encoding="utf-8"), name, table)
            path.write_text(text, encoding="utf-8")
    if arguments.write:
        for path, draw in (plots or {}).items():
            draw(runner).savefig(ROOT / path, dpi=100)


def replace_table(text: str, name: str, table: str) -> str:
    """Returns the text of a document with a table in its marked place.

    Raises:
        ValueError: If the document does not mark exactly one place of this name.
    """
    marked = re.compile(
        rf"(<!-- {re.escape(name)}: [^>]*-->\n).*?(\n<!-- end of {re.escape(name)} -->)", re.DOTALL
    )
    replaced, count = marked.subn(lambda found: f"{found[1]}\n{table}\n{found[2]}", text)
    if count != 1:
        raise ValueError(f"the document marks {count} places for the table {name!r}, not one")
    return replaced


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table as Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell_rows(
    cells: Iterable[studies.Cell],
    start: Callable[[studies.Cell], Sequence[str]],
    rest: Callable[[studies.Cell], Iterable[Sequence[str]]],
    num_columns: int,
) -> Iterator[Sequence[str]]:
    """Returns the rows of a table; the row of a cell without results says "not run".

    Args:
        cells: Cells of the table.
        start: Returns the first columns of a cell.
        rest: Returns the other columns of each row of a cell.
        num_columns: Number of columns.
    """
    for cell in cells:
        first = list(start(cell))
        empty = ["not run", *[""] * (num_columns - len(first) - 1)]
        for row in list(rest(cell)) or [empty]:
            yield [*first, *row]


def success(results: Results) -> tuple[str, str]:
    """Returns two columns: number of successes, 95 % interval of the success rate."""
    low, high = results["success"]["interval"]
    return str(results["success"]["successes"]), f"{100 * low:.0f}–{100 * high:.0f} %"


def success_rate(results: Sequence[Results]) -> str:
    """Returns one column: the success rate over runs and its 95 % interval."""
    summary = studies.summarize_successes(
        [each["success"]["successes"] for each in results],
        [each["success"]["episodes"] for each in results],
    )
    assert summary.interval is not None  # pooled successes always have one
    low, high = summary.interval
    return f"{100 * summary.mean:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def effort(results: Results) -> tuple[str, str]:
    """Returns two columns: training steps, wall time."""
    time = f"{results['wall_time_s']['total'] / 60:.1f} min"
    if results["resumed_at_step"]:
        time += f", from step {results['resumed_at_step']:,} on"
    return f"{results['train_steps']:,}", time
