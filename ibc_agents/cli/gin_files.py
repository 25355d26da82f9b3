"""Reads the gin files and bindings of a command."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

from ibc_agents.cli import error_messages, gin_advice
from ibc_agents.core import errors, top_level_packages

_TASKS = top_level_packages.FOLDER / "gin_configs" / "tasks"


def parse_gin(
    files: Sequence[str], bindings: Sequence[str], run_config: pathlib.Path | None = None
) -> None:
    """Reads gin files and bindings into gin's global configuration.

    Every configurable and parameter must exist. A later file may leave a macro of an earlier file
    unused. A macro or scope that only a binding sets must be used, because gin cannot recognize a
    misspelled one.

    Args:
        files: Gin files, relative to the current folder or to the installation. Later
            files override earlier ones.
        bindings: Bindings such as `TrainingSettings.num_steps=100`. They override files.
        run_config: Gin file of a run, perhaps of an unknown author, read first; see
            `run_config.parse_run_config`.

    Raises:
        RunError: If a file or a binding is wrong, or `run_config` can run foreign code. The message
            names the file and the line.
    """
    import gin

    for file in files:  # before the imports below, which take seconds
        if not _exists(file):
            raise _refusal(OSError(f"Unable to open file: {file}."))
    from ibc_agents.cli import configurables
    from ibc_agents.cli import run_config as run_config_lib

    configurables.register()
    try:
        if run_config is not None:
            run_config_lib.parse_run_config(run_config)
        gin.parse_config_files_and_bindings(
            list(files), [], finalize_config=False, print_includes_and_imports=False
        )
        bound_in_files = configurables.bound_scopes()
        gin.parse_config(list(bindings))
        unused = sorted(configurables.unused_scopes() - bound_in_files)
        if unused:
            raise ValueError(f"No setting refers to {', '.join(unused)}, which a binding sets.")
        gin.finalize()
    except (OSError, ValueError, TypeError, NameError, SyntaxError, ImportError) as error:
        raise _refusal(error) from error


def _exists(file: str) -> bool:
    """Returns whether gin finds the file."""
    import gin

    return any(
        exists(os.path.join(prefix, file))
        for prefix in gin.config._LOCATION_PREFIXES
        for _, exists in gin.config._FILE_READERS
    )


def _refusal(error: Exception) -> errors.RunError:
    """Returns the error that names what is wrong in a gin file or a binding."""
    advice = gin_advice.advise(error_messages.join_lines(error))
    if isinstance(error, OSError):
        folders = dict.fromkeys((pathlib.Path.cwd(), top_level_packages.FOLDER))
        advice += f" Paths of gin files are relative to {' or to '.join(map(str, folders))}."
    return errors.RunError(f"in the gin configuration: {advice}")


def environment_files(name: str | None) -> list[str]:
    """Returns the gin files that --environment stands for.

    Args:
        name: Value of the flag.

    Raises:
        RunError: If there is no such environment.
    """
    if name is None:
        return []
    known = {str(path.relative_to(_TASKS).with_suffix("")) for path in _TASKS.rglob("*.gin")}
    known.discard("dataset")  # the one task without an environment
    if name not in known:
        choices = ", ".join(sorted(known))
        raise errors.RunError(f"there is no environment {name!r}; choose from: {choices}")
    return [f"gin_configs/tasks/{name}.gin"]
