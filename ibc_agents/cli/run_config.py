"""Reads the gin file of a run, perhaps of an unknown author, without running foreign code."""

from __future__ import annotations

import importlib
import pathlib
from typing import Any

import gin
from gin import config_parser, utils

from ibc_agents.cli.gin_config import configurables
from ibc_agents.cli.gin_config import statements as gin_statements
from ibc_agents.core import errors, files


def parse_run_config(path: pathlib.Path) -> list[gin_statements.Statement]:
    """Reads the operative configuration of a run into gin's global configuration.

    It can configure and call only the configurable classes of this project and the Keras classes
    of `configurables`. Settings of other classes, such as those of TF-Agents' learner, are skipped:
    commands that read a run do not use them. `SECURITY.md` explains the limits.

    Args:
        path: The gin file.

    Returns:
        The statements of the file.

    Raises:
        RunError: If the file includes another file, imports a foreign module, enables gin's dynamic
            registration, refers to a foreign configurable, contains a dictionary, or is no text.
        SyntaxError: If gin cannot parse it; likewise the other errors of `gin.parse_config`.
    """
    try:
        text = files.read_bytes(path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.RunError(
            f"the gin file {path} of the run cannot be read ({error})."
        ) from error
    statements = []
    for statement in gin_statements.parse(text, str(path), _OwnReferences()):
        with utils.try_with_location(statement.location):
            _apply(statement)
        statements.append(statement)
    return statements


def _apply(statement: Any) -> None:
    if isinstance(statement, config_parser.IncludeStatement):
        raise _refusal(f"includes {statement.filename}")
    if isinstance(statement, config_parser.ImportStatement):
        _import(statement.module)
    if not isinstance(statement, config_parser.BindingStatement):
        return  # A block declares only the class of the bindings that follow it.
    if _contains_dictionary(statement.value):  # Keras makes any object from one.
        raise _refusal("contains a dictionary")
    if not statement.arg_name:
        macro = "/".join(filter(None, (statement.scope, statement.selector)))
        gin.bind_parameter((macro, "gin.macro", "value"), statement.value)
    elif configurables.is_own(statement.selector):
        key = (statement.scope, statement.selector, statement.arg_name)
        gin.bind_parameter(key, statement.value)


def _import(module: str) -> None:
    if module.startswith("__gin__"):
        raise _refusal("enables gin's dynamic registration")
    if not configurables.is_own_module(module):
        raise _refusal(f"imports {module}")
    importlib.import_module(module)


class _OwnReferences(gin.config.ParserDelegate):
    """Makes references to the configurables of this project."""

    def configurable_reference(self, scoped_selector: str, evaluate: bool) -> Any:
        selector = scoped_selector.rpartition("/")[2]
        if not configurables.is_own(selector):
            raise _refusal(f"refers to {selector}")
        return super().configurable_reference(scoped_selector, evaluate)


def _contains_dictionary(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_contains_dictionary, value))
    return isinstance(value, dict)


def _refusal(what: str) -> errors.RunError:
    return errors.RunError(
        f"the gin file of the run {what}, which can run code outside of ibc_agents. If the run is "
        "yours or you trust its author, pass --trust."
    )
