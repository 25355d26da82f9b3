"""Registers the classes that gin files configure."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import gin
import tensorflow as tf

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
_KERAS = {
    "tf.keras.layers": (tf.keras.layers.Dense,),
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
    keras = {configurable for classes in _KERAS.values() for configurable in classes}
    return all(
        found.wrapped in keras
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


def _named_parameters(configurable: type) -> list[str]:
    """Returns the parameters without ``**kwargs``, for which gin would accept any name."""
    parameters = inspect.signature(configurable).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind != parameter.VAR_KEYWORD]
