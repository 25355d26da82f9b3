"""Reads the statements of gin files without executing them.

The commands read a configuration twice: here for its syntax and its places, in milliseconds, and
then by gin, which needs the configurable classes and with them TensorFlow.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tokenize
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TextIO, TypeAlias

from gin import config_parser

from ibc_agents.core import errors

Statement: TypeAlias = (
    config_parser.BindingStatement
    | config_parser.BlockDeclaration
    | config_parser.ImportStatement
    | config_parser.IncludeStatement
)


class Reference(NamedTuple):
    """A value `@name` or `@name()`."""

    name: str
    evaluate: bool


class Macro(NamedTuple):
    """A value `%name`."""

    name: str


class Statements:
    """All statements of a configuration, in the order in which gin executes them."""

    def __init__(self, statements: Sequence[Statement] = ()):
        """Stores the statements."""
        self.statements = list(statements)

    @classmethod
    def read(cls, files: Sequence[str], bindings: Sequence[str]) -> Statements:
        """Reads gin files with the files that they include, and bindings.

        Args:
            files: Paths that gin finds.
            bindings: Bindings, which follow the files.

        Raises:
            RunError: If a file is absent, no text, or includes itself.
            SyntaxError: If a statement is not valid; it names the file and the line.
        """
        statements = [statement for file in files for statement in _read_file(file, ())]
        statements += parse("\n".join(bindings), "the bindings", _Delegate())
        return cls(statements)

    def place_of(self, setting: str, scope: str = "") -> str | None:
        """Returns where a setting was bound.

        Args:
            setting: `Class.argument`, or the name of a macro.
            scope: The scopes that were active, joined by slashes.

        Returns:
            Such as "line 3 of my.gin"; None if no statement binds it.
        """
        name, _, argument = setting.partition(".")
        found, depth = None, -1
        for statement in self.statements:
            if not isinstance(statement, config_parser.BindingStatement):
                continue
            scopes = statement.scope.split("/") if statement.scope else []
            if (statement.selector.rpartition(".")[2], statement.arg_name) == (name, argument):
                if len(scopes) >= depth and scopes == scope.split("/")[: len(scopes)]:
                    found, depth = statement, len(scopes)
        if found is None:
            return None
        if isinstance(found.value, Macro):
            return self.place_of(found.value.name) or _place(found)
        return _place(found)


_current = Statements()


def _open(file: str) -> TextIO:
    """Opens a file as gin does: in the current folder, or in a package of the installation."""
    import gin

    before = logging.root.manager.disable
    logging.disable(logging.ERROR)  # gin logs every path that it tries.
    try:
        for prefix in gin.config._LOCATION_PREFIXES:
            path = os.path.join(prefix, file)
            for reader, exists in gin.config._FILE_READERS:
                # gin's search in packages fails for a package without an __init__.py.
                with contextlib.suppress(TypeError):
                    if exists(path):
                        return reader(path)
    finally:
        logging.disable(before)
    raise FileNotFoundError(f"Unable to open file: {file}.")


def set_current(statements: Statements) -> None:
    """Stores the statements of gin's configuration, which is global as well."""
    global _current
    _current = statements


def current() -> Statements:
    """Returns the statements of gin's configuration; none after it was cleared."""
    import gin

    return _current if gin.config._CONFIG else Statements()


class _Delegate(config_parser.ParserDelegate):
    """Makes values of references, which need not exist."""

    def configurable_reference(self, scoped_configurable_name, evaluate):
        return Reference(scoped_configurable_name, evaluate)

    def macro(self, macro_name):
        return Macro(macro_name)


def _read_file(file: str, including: tuple[str, ...]) -> Iterator[Statement]:
    """Yields the statements of a file and of the files that it includes.

    Args:
        file: Name of the file.
        including: Paths of the files that include it, outermost first.
    """
    with _open(file) as stream:
        path = stream.name
        if os.path.realpath(path) in map(os.path.realpath, including):
            raise errors.RunError(f"{including[-1]} includes {file}, which in turn includes it.")
        try:
            text = stream.read()
        except UnicodeDecodeError as error:
            raise errors.RunError(f"the gin file {path} is no text ({error}).") from error
    for statement in parse(text, path, _Delegate()):
        yield statement
        if isinstance(statement, config_parser.IncludeStatement):
            try:
                yield from _read_file(statement.filename, (*including, path))
            except FileNotFoundError as error:
                place = _place(statement)
                raise FileNotFoundError(f"{place} includes an absent file. {error}") from error


def parse(text: str, name: str, delegate: config_parser.ParserDelegate) -> Iterator[Statement]:
    """Yields the statements of a text, which are executed or refused one by one.

    Args:
        text: Content of a gin file.
        name: Name of the file, for messages.
        delegate: Makes the values of references and macros.

    Raises:
        RunError: If the text has no statements.
        SyntaxError: If a statement is not valid; it names the file and the line.
    """
    if "\0" in text:
        raise errors.RunError(f"{name} has a null byte; a gin file is a text.")
    stream = io.StringIO(text)
    stream.name = name  # The parser puts it into its messages.
    try:
        yield from config_parser.ConfigParser(stream, delegate)
    except IndentationError as error:  # It is the tokenizer's, which does not know the name.
        error.filename = name
        raise
    except tokenize.TokenError as error:
        message, (line, _) = error.args
        raise errors.RunError(f"{message}. In file {name!r}, line {line}") from error
    except RecursionError as error:
        raise errors.RunError(f"{name} has a value with too many nested brackets.") from error


def _place(statement: Any) -> str:
    """Returns the line and the file of a statement."""
    location = statement.location
    return f"line {location.line_num} of {location.filename}"
