"""The measured choices of acceleration with which a run was trained.

A choice changes the order of float32 sums. A run that is resumed with another choice, for example
on another machine, ends with other weights than an uninterrupted one.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

from ibc_agents import acceleration
from ibc_agents.core import errors, files

FILE = "acceleration.json"


def record(
    folder: pathlib.Path,
    step: int,
    num_steps: int,
    report: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Records the choices of this process, and reports a change since the run was interrupted.

    Args:
        folder: Folder of the run.
        step: Step at which this process begins to train.
        num_steps: Step at which the training ends; a finished training is left as it is.
        report: Called with a sentence if the choices differ from those of the steps before.

    Returns:
        The choices by the step from which on they were taken, as JSON types, such as
        ``[{"from_step": 0, "blocks": {"taken": True, …}}]``.

    Raises:
        RunError: If the record of the steps before is damaged, or cannot be written.
    """
    path = folder / FILE
    recorded = _read(path)
    if step >= num_steps:
        return recorded
    choices = acceleration.choices()
    before = [phase for phase in recorded if phase["from_step"] < step]
    newest = before[-1] if before else {}
    history = before
    if _taken(newest) != _taken(choices):
        history = [*before, {"from_step": step, **choices}]
        if before:
            report(
                f"from step {step} on, the choices of acceleration are {_format(choices)}; before, "
                f"they were {_format(newest)}. The weights can differ in the last digits from "
                "those of an uninterrupted training."
            )
    if history != recorded:
        with files.report_disk_errors(path):
            files.write_json(path, {"history": history})
    return history


def _read(path: pathlib.Path) -> list[dict[str, Any]]:
    try:
        content = files.read_json(path)
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        content = None
    match content:
        case {"history": list(history)} if all(map(_is_phase, history)):
            return history
    raise errors.RunError(f"{path} is damaged; remove it to continue without this record.")


def _is_phase(phase: Any) -> bool:
    match phase:
        case {"from_step": int(), **choices}:
            return all(
                isinstance(choice, dict) and isinstance(choice.get("taken"), bool)
                for choice in choices.values()
            )
    return False


def _taken(choices: dict[str, Any]) -> dict[str, bool]:
    return {name: choice["taken"] for name, choice in choices.items() if name != "from_step"}


def _format(choices: dict[str, Any]) -> str:
    names = (f"{'' if taken else 'no '}{name}" for name, taken in _taken(choices).items())
    return ", ".join(names) or "none"
