"""Checks of the settings that a user gives to a class.

Every constructor of a configurable class passes its settings through these checks. A wrong value
is then an error where it is given, which names `Class.argument`, the value and the valid range.
Without a check it would fail much later, or train with a value that the user did not mean.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ibc_agents.core import errors

_MAX_INTEGER = 2**31 - 1
_Value = TypeVar("_Value")


class Interval(NamedTuple):
    """A range of numbers.

    Attributes:
        low: Lower bound.
        high: Upper bound.
        low_included: Whether `low` is valid itself.
        high_included: Whether `high` is valid itself.
    """

    low: float = -math.inf
    high: float = math.inf
    low_included: bool = False
    high_included: bool = False

    def __str__(self) -> str:
        """Returns the range in mathematical notation, such as [0, 1)."""
        ends = [f"{end:g}".replace("inf", "∞") for end in (self.low, self.high)]
        brackets = "["[: self.low_included] or "(", "]"[: self.high_included] or ")"
        return f"{brackets[0]}{ends[0]}, {ends[1]}{brackets[1]}"

    def __contains__(self, value: object) -> bool:
        """Returns whether a number is in the range."""
        assert isinstance(value, float)
        above = value > self.low or (self.low_included and value == self.low)
        below = value < self.high or (self.high_included and value == self.high)
        return above and below


FINITE = Interval()
POSITIVE = Interval(low=0)
NOT_NEGATIVE = Interval(low=0, low_included=True)
FRACTION = Interval(0, 1, low_included=True, high_included=True)
FRACTION_BELOW_1 = Interval(0, 1, low_included=True)
POSITIVE_FRACTION = Interval(0, 1, high_included=True)


def check_integer(setting: str, value: Any, minimum: int, maximum: int = _MAX_INTEGER) -> int:
    """Returns a setting that is an integer of a range.

    Args:
        setting: Name of the setting, for the message.
        value: What was given. A float without a fraction, such as 2e3, is an integer.
        minimum: Smallest valid value.
        maximum: Largest valid value.

    Raises:
        SettingError: If the value is no integer or out of range.

    Examples:
        >>> check_integer("TrainingSettings.num_steps", 2e3, minimum=1)
        2000
    """
    if _is_real(value) and math.isfinite(value) and int(value) == value:
        if minimum <= value <= maximum:
            return int(value)
    is_too_large = _is_real(value) and value > maximum
    limit = f"at most {maximum}" if is_too_large else f"at least {minimum}"
    raise errors.SettingError(f"{setting} must be an integer of {limit}, got {_format(value)}.")


def check_integers_of(settings: Any, **minima: int) -> None:
    """Checks fields of a frozen dataclass that are integers, and stores them as such.

    Args:
        settings: The dataclass, in its `__post_init__`.
        **minima: Smallest valid value of each field.

    Raises:
        SettingError: If a field is no integer or too small.
    """
    for name, minimum in minima.items():
        setting = f"{type(settings).__name__}.{name}"
        value = check_integer(setting, getattr(settings, name), minimum)
        object.__setattr__(settings, name, value)


def check_numbers_of(settings: Any, **intervals: Interval) -> None:
    """Checks fields of a frozen dataclass that are numbers, and stores them as floats.

    Args:
        settings: The dataclass, in its `__post_init__`.
        **intervals: Valid range of each field.

    Raises:
        SettingError: If a field is no number or out of range.
    """
    for name, interval in intervals.items():
        setting = f"{type(settings).__name__}.{name}"
        value = check_number(setting, getattr(settings, name), interval)
        object.__setattr__(settings, name, value)


def check_integers(
    setting: str, values: Any, minimum: int, length: int | None = None
) -> tuple[int, ...]:
    """Returns a setting that is a list of integers.

    Args:
        setting: Name of the setting, for the message.
        values: What was given.
        minimum: Smallest valid integer.
        length: Length of the list; None for any length of at least 1.

    Raises:
        SettingError: If the value is no such list.

    Examples:
        >>> check_integers("PixelEncoder.size", (96, 128), minimum=1, length=2)
        (96, 128)
    """
    if not isinstance(values, (list, tuple)) or len(values) != (length or max(len(values), 1)):
        size = "integers" if length is None else f"{length} integers"
        raise errors.SettingError(f"{setting} must be a list of {size}, got {_format(values)}.")
    return tuple(check_integer(f"each of {setting}", value, minimum) for value in values)


def check_numbers(setting: str, values: Any, length: int) -> tuple[float, ...]:
    """Returns a setting that is a list of finite numbers.

    Args:
        setting: Name of the setting, for the message.
        values: What was given.
        length: Length of the list.

    Raises:
        SettingError: If the value is no such list.
    """
    if not isinstance(values, (list, tuple)) or len(values) != length:
        raise errors.SettingError(
            f"{setting} must be a list of {length} numbers, got {_format(values)}."
        )
    return tuple(check_number(f"each of {setting}", value) for value in values)


def check_number(setting: str, value: Any, interval: Interval = FINITE) -> float:
    """Returns a setting that is a number of a range.

    The value must also be finite and in the range as a float32, in which networks compute.

    Args:
        setting: Name of the setting, for the message.
        value: What was given.
        interval: The valid range.

    Raises:
        SettingError: If the value is no number or out of range.

    Examples:
        >>> check_number("MlpEncoder.dropout_rate", 0.1, FRACTION_BELOW_1)
        0.1
        >>> check_number("MlpEncoder.dropout_rate", 1, FRACTION_BELOW_1)
        Traceback (most recent call last):
            ...
        ibc_agents.core.errors.SettingError: MlpEncoder.dropout_rate must be a number in [0, 1), \
got 1.
    """
    if _is_real(value):
        with np.errstate(over="ignore"):
            rounded = float(np.float32(value)) if abs(value) < 2**1000 else math.inf
        if math.isfinite(rounded) and float(value) in interval and rounded in interval:
            return float(value)
    raise errors.SettingError(f"{setting} must be a number in {interval}, got {_format(value)}.")


def check_flag(setting: str, value: Any) -> bool:
    """Returns a setting that is True or False.

    Args:
        setting: Name of the setting, for the message.
        value: What was given.

    Raises:
        SettingError: If the value is neither.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise errors.SettingError(f"{setting} must be True or False, got {_format(value)}.")
    return bool(value)


def check_name(setting: str, value: Any) -> str:
    """Returns a setting that names a part of a model, as TensorFlow allows it.

    Args:
        setting: Name of the setting, for the message.
        value: What was given.

    Raises:
        SettingError: If the value is no such name.
    """
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9.][\w.-]*", value, re.ASCII):
        raise errors.SettingError(
            f"{setting} must be a text of letters, digits and underscores; got {_format(value)}."
        )
    return value


def check_choice(setting: str, value: _Value, choices: Iterable[_Value]) -> _Value:
    """Returns a setting that is one of some values.

    Args:
        setting: Name of the setting, for the message.
        value: What was given.
        choices: The valid values.

    Raises:
        SettingError: If the value is none of them.

    Examples:
        >>> check_choice("PixelEncoder.resize_method", "area", ["area", "bilinear"])
        'area'
    """
    choices = list(choices)
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        names = ", ".join(map(repr, choices))
        raise errors.SettingError(f"{setting} must be one of {names}; got {_format(value)}.")
    return value


def check_instance(setting: str, value: Any, base: type) -> None:
    """Refuses a value that is not an object of a base class.

    Args:
        setting: Name of the setting, for the message.
        value: What was given.
        base: The base class that the caller relies on.

    Raises:
        SettingError: If `value` is not an instance of `base`.

    Examples:
        >>> check_instance("Scale.factor", "2", float)
        Traceback (most recent call last):
            ...
        ibc_agents.core.errors.SettingError: Scale.factor must be an object of a subclass of \
float, got '2'. In a gin file, write the reference to its class with parentheses: @Name().
    """
    if not isinstance(value, base):
        raise errors.SettingError(
            f"{setting} must be an object of a subclass of {base.__qualname__}, got "
            f"{_format(value)}. In a gin file, write the reference to its class with parentheses: "
            "@Name()."
        )


def check_optional_instance(setting: str, value: Any, base: type) -> None:
    """Refuses a value that is neither None nor an object of a base class; see `check_instance`."""
    if value is not None:
        check_instance(setting, value, base)


def check_instances(setting: str, values: Any, base: type) -> None:
    """Refuses a value that is not a list, with at least one object, of objects of a base class.

    Args:
        setting: Name of the setting, for the message.
        values: What was given.
        base: The base class that the caller relies on.

    Raises:
        SettingError: If `values` is no such list.
    """
    if not isinstance(values, (list, tuple)) or not values:
        raise errors.SettingError(
            f"{setting} must be a list of {base.__qualname__} objects, got {_format(values)}."
        )
    for value in values:
        check_instance(setting, value, base)


def check_factory(setting: str, value: Any, base: type) -> None:
    """Refuses a value that makes no objects of a base class.

    What a function returns is known only after its call, so every function passes.

    Args:
        setting: Name of the setting, for the message.
        value: What was given.
        base: The base class that the caller relies on.

    Raises:
        SettingError: If `value` cannot be called, or is a class without this base class.

    Examples:
        >>> check_factory("Task.environment", dict, int)
        Traceback (most recent call last):
            ...
        ibc_agents.core.errors.SettingError: Task.environment must be a factory of int objects, \
got the class dict. In a gin file, write the reference to a class without parentheses: @Name.
    """
    is_function = inspect.isroutine(value) or isinstance(value, functools.partial)
    made = inspect.unwrap(value) if is_function else value
    is_class = isinstance(made, type)
    if not (is_class and issubclass(made, base)) and not (is_function and not is_class):
        raise errors.SettingError(
            f"{setting} must be a factory of {base.__qualname__} objects, got {_format(value)}. "
            "In a gin file, write the reference to a class without parentheses: @Name."
        )


def check_call(setting: str, value: Any, protocol: Callable[..., Any]) -> None:
    """Refuses an object that cannot be called as a protocol demands.

    Protocols have no base class, so the names of the parameters are compared.

    Args:
        setting: Name of the setting, for the message.
        value: What was given.
        protocol: A function with the parameters of the call, such as `Loss.__call__`.

    Raises:
        SettingError: If `value` is a class, cannot be called, or has other parameters.

    Examples:
        >>> check_call("ImplicitBCAgent.loss", float, lambda self, energies: energies)
        Traceback (most recent call last):
            ...
        ibc_agents.core.errors.SettingError: ImplicitBCAgent.loss must be an object that is called \
with (energies), got the class float. In a gin file, write the reference to its class with \
parentheses: @Name().
    """
    expected = [name for name in inspect.signature(protocol).parameters if name != "self"]
    if isinstance(value, type) or not _accepts(value, expected):
        raise errors.SettingError(
            f"{setting} must be an object that is called with ({', '.join(expected)}), got "
            f"{_format(value)}. In a gin file, write the reference to its class with parentheses: "
            "@Name()."
        )


def _accepts(value: Any, expected: Sequence[str]) -> bool:
    """Returns whether a call of a value takes arguments of these names, in this order."""
    if not callable(value):
        return False
    parameters = inspect.signature(value).parameters
    if {parameter.kind for parameter in parameters.values()} == {inspect.Parameter.VAR_POSITIONAL}:
        return True  # It passes all arguments on. A Keras layer takes any keywords too.
    return list(parameters)[: len(expected)] == list(expected)


def _is_real(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def _format(value: Any) -> str:
    """Returns a value for a message, shortened."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
