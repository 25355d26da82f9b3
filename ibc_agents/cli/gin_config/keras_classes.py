"""The Keras classes that gin files configure, and the checks of their settings."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import gin
import tensorflow as tf

from ibc_agents.core import errors, setting_checks
from ibc_agents.networks.layers import initializers

Check = Callable[[str, Any], Any]
"""The name and the value of a setting → the value, or a SettingError."""


def _number(interval: setting_checks.Interval) -> Check:
    return lambda setting, value: setting_checks.check_number(setting, value, interval)


def _integer(minimum: int) -> Check:
    return lambda setting, value: setting_checks.check_integer(setting, value, minimum)


def _optional(check: Check) -> Check:
    return lambda setting, value: None if value is None else check(setting, value)


def _check_learning_rate(setting: str, value: Any) -> Any:
    if isinstance(value, tf.keras.optimizers.schedules.LearningRateSchedule):
        return value
    if isinstance(value, type) or callable(value):
        raise errors.SettingError(
            f"{setting} must be a number or a schedule, got {value!r}. In a gin file, write the "
            "reference to a schedule with parentheses: @CosineDecay()."
        )
    return setting_checks.check_number(setting, value, setting_checks.NOT_NEGATIVE)


_NOT_NEGATIVE = _number(setting_checks.NOT_NEGATIVE)
_POSITIVE = _number(setting_checks.POSITIVE)
_FRACTION_BELOW_1 = _number(setting_checks.FRACTION_BELOW_1)
_ADAM: Mapping[str, Check] = {
    "learning_rate": _check_learning_rate,
    "beta_1": _FRACTION_BELOW_1,
    "beta_2": _FRACTION_BELOW_1,
    "epsilon": _POSITIVE,
    "amsgrad": setting_checks.check_flag,
    "weight_decay": _optional(_NOT_NEGATIVE),
    "clipnorm": _optional(_POSITIVE),
    "clipvalue": _optional(_POSITIVE),
    "global_clipnorm": _optional(_POSITIVE),
    "use_ema": setting_checks.check_flag,
    "ema_momentum": _FRACTION_BELOW_1,
    "ema_overwrite_frequency": _optional(_integer(1)),
    "jit_compile": setting_checks.check_flag,
    "name": setting_checks.check_name,
}
_SCHEDULE: Mapping[str, Check] = {
    "initial_learning_rate": _NOT_NEGATIVE,
    "decay_steps": _integer(1),
    "name": _optional(setting_checks.check_name),
}
# Module → class → its configurable settings and their checks.
_CLASSES: Mapping[str, Mapping[type, Mapping[str, Check]]] = {
    "tf.keras.layers": {
        tf.keras.layers.Dense: {
            "kernel_initializer": initializers.check_initializer,
            "bias_initializer": initializers.check_initializer,
        },
    },
    "tf.keras.optimizers": {
        tf.keras.optimizers.Adam: _ADAM,
        tf.keras.optimizers.AdamW: {**_ADAM, "weight_decay": _NOT_NEGATIVE},
    },
    "tf.keras.optimizers.schedules": {
        tf.keras.optimizers.schedules.CosineDecay: {
            **_SCHEDULE,
            "alpha": _NOT_NEGATIVE,
            "warmup_target": _optional(_POSITIVE),
            "warmup_steps": _integer(0),
        },
        tf.keras.optimizers.schedules.ExponentialDecay: {
            **_SCHEDULE,
            "decay_rate": _POSITIVE,
            "staircase": setting_checks.check_flag,
        },
    },
}


def _checked(configurable: type, checks: Mapping[str, Check]) -> Callable[..., Any]:
    """Returns a constructor that checks its settings, with the signature of the class."""
    signature = inspect.signature(configurable)

    @functools.wraps(configurable, updated=())
    def construct(*args, **kwargs):
        settings = signature.bind_partial(*args, **kwargs)
        for name, value in settings.arguments.items():
            if name in checks:
                setting = f"{configurable.__name__}.{name}"
                settings.arguments[name] = checks[name](setting, value)
        return configurable(*settings.args, **settings.kwargs)

    # gin would accept any name for `**kwargs`.
    named = [p for p in signature.parameters.values() if p.kind != p.VAR_KEYWORD]
    construct.__signature__ = signature.replace(parameters=named)  # type: ignore[attr-defined]
    return construct


_CONSTRUCTORS = {
    (module, configurable.__name__): (_checked(configurable, checks), list(checks))
    for module, classes in _CLASSES.items()
    for configurable, checks in classes.items()
}


def register() -> None:
    """Registers the classes. Can be called repeatedly."""
    for (module, name), (constructor, settings) in _CONSTRUCTORS.items():
        if not gin.config._REGISTRY.get_match(f"{module}.{name}"):
            gin.external_configurable(constructor, module=module, allowlist=settings)


def is_keras(wrapped: Any) -> bool:
    """Returns whether gin has registered an object here.

    Args:
        wrapped: What gin calls for a configurable.
    """
    return any(wrapped is constructor for constructor, _ in _CONSTRUCTORS.values())
