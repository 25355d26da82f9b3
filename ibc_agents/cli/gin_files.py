"""Reads the gin files and bindings of a command."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from ibc_agents.cli import error_messages
from ibc_agents.cli.gin_config import advice as gin_advice
from ibc_agents.cli.gin_config import statements as gin_statements
from ibc_agents.core import errors, top_level_packages

_TASKS = top_level_packages.FOLDER / "gin_configs" / "tasks"
_ERRORS_OF_GIN = (
    AttributeError,
    ImportError,
    KeyError,  # an ambiguous name
    NameError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
)


def parse_gin(
    files: Sequence[str], bindings: Sequence[str], run_config: pathlib.Path | None = None
) -> None:
    """Reads gin files and bindings into gin's global configuration, which they replace.

    After an error the configuration is empty. Every configurable and parameter must exist. A later
    file may leave a macro of an earlier file unused. A macro or scope that only a binding sets must
    be used, because gin cannot recognize a misspelled one.

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

    try:  # before the imports below, which take seconds
        statements = gin_statements.Statements.read(files, bindings)
    except (OSError, SyntaxError, TypeError) as error:
        raise _refusal(error) from error
    from ibc_agents.cli import run_config as run_config_lib
    from ibc_agents.cli.gin_config import configurables

    configurables.register()
    gin.clear_config()
    try:
        if run_config is not None:
            statements.statements[:0] = run_config_lib.parse_run_config(run_config)
        gin.parse_config_files_and_bindings(
            list(files), [], finalize_config=False, print_includes_and_imports=False
        )
        bound_in_files = configurables.bound_scopes()
        gin.parse_config(list(bindings))
        unused = sorted(configurables.unused_scopes() - bound_in_files)
        if unused:
            raise ValueError(f"No setting refers to {', '.join(unused)}, which a binding sets.")
        configurables.check_cycles()
        gin.finalize()
    except (errors.UserError, *_ERRORS_OF_GIN) as error:
        gin.clear_config()
        if isinstance(error, errors.UserError):
            raise
        raise _refusal(error) from error
    gin_statements.set_current(statements)


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
