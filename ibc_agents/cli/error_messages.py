"""One-line messages of errors that the user can fix."""

from __future__ import annotations

from ibc_agents.cli import gin_advice
from ibc_agents.core import errors

# gin appends this to the message of an error in the constructor of a configured class.
_RAISED_IN_CONFIGURABLE = "In call to configurable"


def format_error(error: Exception) -> str | None:
    """Returns the message of an error that the user can fix.

    Args:
        error: Any error. The user can fix a `UserError`, and a wrong value that a gin file or a
            binding passes to a class.

    Returns:
        The message in one line, or None if the error is a fault of the program.

    Examples:
        >>> format_error(errors.RunError("the folder is missing."))
        'the folder is missing.'
        >>> format_error(RuntimeError("a fault")) is None
        True
    """
    if isinstance(error, errors.UserError):
        return join_lines(error)
    if isinstance(error, (ValueError, TypeError)) and _RAISED_IN_CONFIGURABLE in str(error):
        return f"in the gin configuration: {gin_advice.advise(join_lines(error))}"
    return None


def join_lines(error: BaseException) -> str:
    """Returns the message of an error in one line. A `SyntaxError` includes its file and line."""
    if isinstance(error, SyntaxError):
        return f"{error.msg} In file {error.filename!r}, line {error.lineno}"
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip())
