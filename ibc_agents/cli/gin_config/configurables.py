"""Registers the classes that gin files configure."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import NamedTuple

import gin

from ibc_agents.cli.gin_config import keras_classes

# A gin file imports the one that it uses.
_ENVIRONMENTS = "environments"
# The other packages import it.
_NORMALIZER = "ibc_agents.core.normalizer"
# Every module below these is imported, so that a new file in one of them needs no registration.
_PACKAGES = (
    "data.sources",
    "ibc_agents.acceleration",
    "ibc_agents.agents",
    "ibc_agents.losses",
    "ibc_agents.networks",
    "ibc_agents.policies",
    "ibc_agents.proposals",
    "ibc_agents.runs",
    "ibc_agents.samplers",
)


def register() -> None:
    """Imports our configurable classes and registers the Keras classes. Can be called repeatedly.

    A gin file imports the environment that it uses, so that other simulators need not be installed.
    """
    for name in _PACKAGES:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(found.name)
    keras_classes.register()


def is_own_module(name: str) -> bool:
    """Returns whether a module is one of those in which this project has configurables."""
    packages = (_ENVIRONMENTS, _NORMALIZER, *_PACKAGES)
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def is_own(selector: str) -> bool:
    """Returns whether no configurable of another project, except Keras classes, has a selector.

    Args:
        selector: Complete or partial selector, without scopes. An unknown one is own: gin rejects
            it with its own message.
    """
    return all(
        keras_classes.is_keras(found.wrapped)
        or found.wrapped.__module__ == gin.config.__name__  # macros, constants and singletons
        or is_own_module(found.wrapped.__module__)
        for found in gin.config._REGISTRY.get_all_matches(selector)
    )


def bound_scopes() -> set[str]:
    """Returns the scopes and macros that are set."""
    return {scope for scopes, _ in gin.config._CONFIG for scope in scopes.split("/") if scope}


def unused_scopes() -> set[str]:
    """Returns the scopes and macros that are set and that no setting refers to."""
    references = gin.config.iterate_references(gin.config._CONFIG)
    return bound_scopes() - {scope for reference in references for scope in reference.scopes}


def check_cycles() -> None:
    """Checks that no object is an argument of itself, which gin would construct without end.

    Raises:
        ValueError: If one is; the message names the references.
    """
    checked: set[_Call] = set()
    for scope, selector in gin.config._CONFIG:
        _check_cycles(_Call(tuple(scope.split("/")) if scope else (), selector), [], checked)


class _Call(NamedTuple):
    """A call of a configurable, which gin makes for a reference with parentheses."""

    scopes: tuple[str, ...]
    selector: str

    def __str__(self) -> str:
        if self.selector == "gin.macro":
            return f"%{'/'.join(self.scopes)}"
        return f"@{'/'.join((*self.scopes, self.selector.rpartition('.')[2]))}()"

    def arguments(self) -> Iterator[_Call]:
        """Yields the calls in the bindings of this one, which have its scopes by default."""
        for depth in range(len(self.scopes) + 1):
            bound = gin.config._CONFIG.get(("/".join(self.scopes[:depth]), self.selector), {})
            for reference in gin.config.iterate_references(bound):
                if reference.evaluate:
                    scopes = tuple(reference.scopes) or self.scopes
                    yield _Call(scopes, reference.configurable.selector)


def _check_cycles(call: _Call, callers: list[_Call], checked: set[_Call]) -> None:
    if call in callers:
        cycle = " → ".join(map(str, [*callers[callers.index(call) :], call]))
        raise ValueError(f"The references form a cycle: {cycle}.")
    if call not in checked:
        for argument in call.arguments():
            _check_cycles(argument, [*callers, call], checked)
        checked.add(call)
