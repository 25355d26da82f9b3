"""One-line messages of errors that the user can fix."""

from __future__ import annotations

import re

from ibc_agents.cli.gin_config import advice as gin_advice
from ibc_agents.cli.gin_config import statements as gin_statements
from ibc_agents.core import errors

# gin appends this to the message of an error in the constructor of a configured class.
_RAISED_IN_CONFIGURABLE = re.compile(
    r"\s*(?:No values supplied by Gin.*?)?"
    r"In call to configurable '[^']*' \(.*?\)(?: in scope '(?P<scope>[^']*)')?(?=\s|$)",
    re.DOTALL,
)

# The setting at the beginning of the message of a `SettingError`.
_SETTING = re.compile(r"(?:each of )?(\w+\.\w+)")


def format_error(error: Exception) -> str | None:
    """Returns the message of an error that the user can fix.

    Args:
        error: Any error. The user can fix a `UserError`, and a setting that gin passes to a class
            or fails to pass to it.

    Returns:
        The message in one line, or None if the error is a fault of the program.

    Examples:
        >>> format_error(errors.RunError("the folder is missing."))
        'the folder is missing.'
        >>> format_error(RuntimeError("a fault")) is None
        True
    """
    message = join_lines(error)
    constructor = _RAISED_IN_CONFIGURABLE.search(message)
    if isinstance(error, errors.UserError):
        if constructor is None:
            return message
        message = message[: constructor.start()]
        if not isinstance(error, errors.SettingError):
            return message
        setting = _SETTING.match(message)
        scope = constructor["scope"] or ""
        place = setting and gin_statements.current().place_of(setting[1], scope)
        return f"in the gin configuration: {message} It is set in {place}." if place else message
    if isinstance(error, TypeError) and (advice := gin_advice.advise_unset_argument(message)):
        return f"in the gin configuration: {advice}"
    return None


def join_lines(error: BaseException) -> str:
    """Returns the message of an error in one line. A `SyntaxError` includes its file and line."""
    if isinstance(error, SyntaxError):
        return f"{error.msg} In file {error.filename!r}, line {error.lineno}"
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip())
