"""The check of settings that name a Keras initializer."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from ibc_agents.core import errors, setting_checks

# Those of Keras that initialize a variable of any shape.
_NAMES = (
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "random_normal",
    "random_uniform",
    "truncated_normal",
    "zeros",
)


def check_initializer(setting: str, value: Any) -> Any:
    """Returns a setting that is the name or the configuration of a Keras initializer.

    Args:
        setting: Name of the setting, for the message.
        value: What was given.

    Raises:
        SettingError: If Keras has no such initializer.
    """
    if not isinstance(value, dict):
        return setting_checks.check_choice(setting, value, _NAMES)
    try:
        tf.keras.initializers.get(value)
    except (AttributeError, TypeError, ValueError) as error:
        raise errors.SettingError(
            f"{setting} must be the configuration of a Keras initializer, got {value!r}."
        ) from error
    return value
