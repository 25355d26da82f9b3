"""Advice that extends gin's error messages: close names, and the files of a task and a method."""

from __future__ import annotations

import difflib
import inspect
import pathlib
import re

from ibc_agents.core import top_level_packages

_TASK_AND_METHOD = (
    "Name the file of a task and then the file of a method, such as"
    " --gin_file=gin_configs/tasks/particle.gin --gin_file=gin_configs/methods/ibc.gin."
)
_ABSENT_FILE = re.compile(r"Unable to open file: (.*?)\.(?: Searched config paths: \[.*?\]\.|$)")
_UNSET_MACRO = re.compile(r"No bindings specified for '(.*)/gin\.macro' in config string: .*")
_UNSET_ARGUMENT = re.compile(
    r"^(?:.*\.)?(?P<class>\w+)(?:\.__init__)?\(\) missing \d+ required \S+ arguments?: "
    r"(?P<names>.*?) No values supplied by Gin.*?In call to configurable '(?P=class)'"
)
_REQUIRED = re.compile(r"(\S+) set to `%gin\.REQUIRED` but not subsequently overridden\.")
_UNKNOWN_PARAMETER = re.compile(r"Configurable '(.*?)' doesn't have a parameter named '(.*?)'\.")
_AMBIGUOUS_NAME = re.compile(r"[\"']Ambiguous selector '(.*?)', matches \[(.*?)\]\.[\"']")
_UNKNOWN_NAME = re.compile(r"No configurable matching (?:reference )?'@?(.*?)(?:\(\))?'\.")


def advise(message: str) -> str:
    """Replaces the parts of gin's message that users cannot read, and adds how to fix the error.

    Args:
        message: The message of an error of gin, in one line.

    Returns:
        The message with advice, or the message itself if there is none.
    """
    if found := _ABSENT_FILE.search(message):
        replaced = f"Unable to open file: {found[1]}.{_suggest(found[1], _shipped_files())}"
        return f"{message[: found.start()]}{replaced}{message[found.end() :]}"
    if found := _UNSET_MACRO.search(message):
        return f"No file or binding sets the macro {found[1]}. {_TASK_AND_METHOD}"
    if found := _REQUIRED.search(message):
        return f"No file or binding sets {found[1]}. Bind it: --gin_bindings='{found[1]} = …'."
    if found := _UNKNOWN_PARAMETER.search(message):
        return _insert(message, found.end(), _suggest(found[2], _parameters(found[1])))
    if found := _AMBIGUOUS_NAME.search(message):
        advice = f"Several classes are named {found[1]}: {found[2]}. Write one of these names."
        return f"{message[: found.start()]}{advice}{message[found.end() :]}"
    if found := _UNKNOWN_NAME.search(message):
        return _insert(message, found.end(), _suggest(found[1], _configurables()))
    return message


def advise_unset_argument(message: str) -> str | None:
    """Returns advice if gin called a constructor without an argument that has no default.

    Args:
        message: The message of a TypeError, in one line.
    """
    found = _UNSET_ARGUMENT.search(message)
    if found is None:
        return None
    owner = found["class"]
    names = ", ".join(f"{owner}.{name}" for name in re.findall(r"'(\w+)'", found["names"]))
    advice = _TASK_AND_METHOD if owner == "Experiment" else "Bind it."
    return f"No file or binding sets {names}. {advice}"


def _insert(message: str, position: int, advice: str) -> str:
    return message[:position] + advice + message[position:]


def _suggest(name: str, known: list[str]) -> str:
    """Returns a question with the known name that is closest to `name`, or an empty string."""
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _shipped_files() -> list[str]:
    folder: pathlib.Path = top_level_packages.FOLDER
    return [str(path.relative_to(folder)) for path in folder.glob("gin_configs/**/*.gin")]


def _configurables() -> list[str]:
    import gin

    return [selector.rpartition(".")[2] for selector, _ in gin.config._REGISTRY.items()]


def _parameters(configurable: str) -> list[str]:
    import gin

    return list(inspect.signature(gin.get_configurable(configurable)).parameters)
