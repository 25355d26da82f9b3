"""What the result studies share: their command line, their tables, and the tables in documents.

A study's module declares its cells as an `ibc_agents.studies.Study` and says what its tables show;
`main` trains what is missing and prints the tables. With ``--write`` the tables in the study's
document are replaced: they stand between ``<!-- NAME: … -->`` and ``<!-- end of NAME -->``.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ibc_agents import studies  # noqa: E402
from ibc_agents.core import errors  # noqa: E402

Results = dict[str, Any]
"""The content of a results.json."""

Tables = Callable[[studies.Runner], Mapping[str, str]]
"""The tables of a study, as Markdown, by the names that mark their places in the document."""


def make_runner(study: studies.Study) -> studies.Runner:
    """Returns the runner of a study, with this checkout's folders."""
    return studies.Runner(
        study,
        runs_dir=ROOT / "runs" / study.name,
        results_dir=ROOT / "benchmarks" / "results" / study.name,
        data_dir=ROOT / "datasets",
    )


def main(description: str, study: studies.Study, tables: Tables, document: str) -> None:
    """Runs a study's command.

    Args:
        description: docstring of the study's module.
        study: that is run.
        tables: makes its tables.
        document: that holds them, relative to the checkout.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--task", nargs="*", choices=list(study.tasks), help="default: all")
    parser.add_argument("--method", nargs="*", choices=list(study.methods), help="default: all")
    parser.add_argument("--seed", nargs="*", type=int, default=[0], help="of training; default: 0")
    parser.add_argument("--only_print", action="store_true", help="train nothing")
    parser.add_argument("--write", action="store_true", help=f"write the tables to {document}")
    arguments = parser.parse_args()
    runner = make_runner(study)
    try:
        if not arguments.only_print:
            runner.run(study.cells(arguments.task, arguments.method), arguments.seed)
    except errors.UserError as error:
        sys.exit(f"error: {error}")
    for name, table in tables(runner).items():
        print(f"{name}\n\n{table}\n")
        if arguments.write:
            path = ROOT / document
            path.write_text(replace_table(path.read_text(encoding="utf-8"), name, table))


def replace_table(text: str, name: str, table: str) -> str:
    """Returns a document's text with a table in its marked place.

    Raises:
        ValueError: if the document does not mark exactly one place of this name.
    """
    marked = re.compile(
        rf"(<!-- {re.escape(name)}: .*?-->\n).*?(\n<!-- end of {re.escape(name)} -->)", re.DOTALL
    )
    replaced, count = marked.subn(lambda found: f"{found[1]}\n{table}\n{found[2]}", text)
    if count != 1:
        raise ValueError(f"The document marks {count} places for the table {name}, not one.")
    return replaced


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table as Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell_rows(
    study: studies.Study,
    start: Callable[[studies.Cell], Sequence[str]],
    rest: Callable[[studies.Cell], Iterable[Sequence[str]]],
    num_columns: int,
) -> Iterator[Sequence[str]]:
    """Returns a table's rows; a cell without results has one that says "not run".

    Args:
        study: whose cells the rows are of.
        start: the first columns of a cell.
        rest: the other columns of each of a cell's rows.
        num_columns: of the table.
    """
    for cell in study.cells():
        first = list(start(cell))
        empty = ["not run", *[""] * (num_columns - len(first) - 1)]
        for row in list(rest(cell)) or [empty]:
            yield [*first, *row]


def success(results: Results) -> tuple[str, str]:
    """Returns two columns: successes, and the 95 % interval of their share."""
    low, high = results["success"]["interval"]
    return str(results["success"]["successes"]), f"{100 * low:.0f}–{100 * high:.0f} %"


def effort(results: Results) -> tuple[str, str]:
    """Returns two columns: train steps and wall time."""
    time = f"{results['wall_time_s']['total'] / 60:.1f} min"
    if results["resumed_at_step"]:
        time += f", from step {results['resumed_at_step']:,} on"
    return f"{results['train_steps']:,}", time
