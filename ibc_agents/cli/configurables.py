"""Registers the classes that gin files configure."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import gin
import tensorflow as tf

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
_KERAS = {
    "tf.keras.optimizers": (tf.keras.optimizers.Adam, tf.keras.optimizers.AdamW),
    "tf.keras.optimizers.schedules": (
        tf.keras.optimizers.schedules.CosineDecay,
        tf.keras.optimizers.schedules.ExponentialDecay,
    ),
}


def register() -> None:
    """Imports our configurable classes and registers the Keras classes. Can be called repeatedly.

    A gin file imports the environment that it uses, so that other simulators need not be installed.
    """
    for name in _PACKAGES:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(found.name)
    for module, classes in _KERAS.items():
        for configurable in classes:
            name = f"{module}.{configurable.__name__}"
            if not gin.config._REGISTRY.get_match(name):
                gin.external_configurable(
                    configurable, module=module, allowlist=_named_parameters(configurable)
                )


def bound_scopes() -> set[str]:
    """Returns the scopes and macros that are set."""
    return {scope for scopes, _ in gin.config._CONFIG for scope in scopes.split("/") if scope}


def unused_scopes() -> set[str]:
    """Returns the scopes and macros that are set and that no setting refers to."""
    references = gin.config.iterate_references(gin.config._CONFIG)
    return bound_scopes() - {scope for reference in references for scope in reference.scopes}


def _named_parameters(configurable: type) -> list[str]:
    """Returns the parameters without ``**kwargs``, for which gin would accept any name."""
    parameters = inspect.signature(configurable).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind != parameter.VAR_KEYWORD]
