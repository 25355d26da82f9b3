"""What the tables of results share: a run of the train command, and what came of it as a row."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent


def train(gin_file: str, bindings: Sequence[str], root_dir: pathlib.Path, seed: int) -> None:
    """Runs the train command; a finished run is not repeated, an interrupted one goes on."""
    if (root_dir / "results.json").exists():
        return
    command(
        "ibc_agents.train",
        f"--gin_file=gin_configs/{gin_file}",
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
