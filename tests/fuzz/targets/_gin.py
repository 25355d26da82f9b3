"""Parts of the targets that read gin files."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import gin
import numpy as np

from ibc_agents.cli import error_messages
from ibc_agents.core import errors
from tests.fuzz import mutations

# A binding in one line.
_BINDING = re.compile(r"^(\s*[\w./]+ = )(.*)$", re.MULTILINE)
# Numbers are either small, or too large for any setting, so that no mutant is merely slow.
_VALUES = (
    *("0", "1", "-1", "2", "3", "20", "2e1", "20.5", "0.5", "-0.5", "1.5", "1e-3", "1e-300"),
    *("1e300", "-1e300", "1e999", "-1e999", "2147483648", "9223372036854775808", "1" + "0" * 30),
    *("1j", "None", "True", "False", "''", "' '", "'relu'", "'é'", "'a/b'", "'0'", "'nan'", "b'x'"),
    *("()", "[]", "{}", "[[]]", "[1]", "(1, 2)", "(1.5, 2)", "[None]", "{'a': 1}", "['a']"),
    *("%n", "%absent", "%gin.REQUIRED", "@", "@()", "@absent", "@gin.macro", "@gin.singleton()"),
)
_NUMBERS = ("0", "1", "2", "3", "4", "0.0", "1e-3", "0.5", "0.99", "1.0", "2.0", "1e30", "1e-30")
_REFERENCE = re.compile(r"@[\w./]+")
_NUMBER = re.compile(r"\d[\d.]*(?:e[-+]?\d+)?")
# TF-Agents registers hundreds of classes; some are enough.
_PACKAGES = ("data.", "environments.", "ibc_agents.", "tf.keras.", "tf_agents.DqnAgent")
_FORMS = ("@{}", "@{}()", "@scope/{}()", "[@{}()]", "[@{}]", "{{'a': @{}()}}")


def replace_value(text: str, generator: np.random.Generator) -> tuple[str, str]:
    """Replaces the value of one binding.

    Args:
        text: A gin file.
        generator: Source of randomness.

    Returns:
        The changed text and a description.
    """
    bindings = list(_BINDING.finditer(text))
    if not bindings:
        return text, "no binding"
    binding = mutations.choose(generator, bindings)
    kind = mutations.choose(generator, ("odd", "reference", "similar", "similar", "other"))
    if kind == "odd":
        value = mutations.choose(generator, _VALUES)
    elif kind == "reference":
        value = mutations.choose(generator, _FORMS).format(_choose_name(generator))
    elif kind == "other":
        value = mutations.choose(generator, bindings)[2]
    else:
        value = _replace_similar(binding[2], generator)
    changed = text[: binding.start(2)] + value + text[binding.end(2) :]
    return changed, f"{binding[1]}{value} instead of {binding[2][:40]}"


def _replace_similar(value: str, generator: np.random.Generator) -> str:
    """Replaces a reference by a reference and a number by a number; others stay."""
    if _REFERENCE.search(value):
        return _REFERENCE.sub(f"@{_choose_name(generator)}", value, count=1)
    return _NUMBER.sub(lambda _: mutations.choose(generator, _NUMBERS), value, count=1)


def _choose_name(generator: np.random.Generator) -> str:
    """Returns the name of a configurable class."""
    names = [name for name, _ in gin.config._REGISTRY.items() if name.startswith(_PACKAGES)]
    return str(mutations.choose(generator, sorted(names))).rpartition(".")[2]


@contextlib.contextmanager
def as_command() -> Iterator[None]:
    """Makes a `UserError` of each error for which a command prints one line."""
    try:
        yield
    except Exception as error:
        message = error_messages.format_error(error)
        if message is None:
            raise
        assert "\n" not in message, message
        raise errors.RunError(message) from error
