"""Checks of the parts that a user gives to a class."""

from __future__ import annotations

from typing import Any


def check_instance(name: str, value: Any, base: type) -> None:
    """Refuses a value that is not an object of a base class.

    A class or function in place of an object would fail much later, or be called with the wrong
    arguments.

    Args:
        name: Name of the parameter, for the message.
        value: What was given.
        base: The base class that the caller relies on.

    Raises:
        TypeError: If `value` is not an instance of `base`.

    Examples:
        >>> check_instance("Scale.factor", "2", float)
        Traceback (most recent call last):
            ...
        TypeError: Scale.factor must be an object of a subclass of float, got '2'. In a gin file, \
write the reference to its class with parentheses: @Name().
    """
    if not isinstance(value, base):
        raise TypeError(
            f"{name} must be an object of a subclass of {base.__qualname__}, got {value!r}. In a "
            "gin file, write the reference to its class with parentheses: @Name()."
        )


def check_not_class(name: str, value: Any) -> None:
    """Refuses a class in place of an object, for parts without a base class.

    Args:
        name: Name of the parameter, for the message.
        value: What was given.

    Raises:
        TypeError: If `value` is a class.

    Examples:
        >>> check_not_class("ImplicitBCAgent.loss", float)
        Traceback (most recent call last):
            ...
        TypeError: ImplicitBCAgent.loss must be an object, got the class float. In a gin file, \
write the reference to it with parentheses: @float().
    """
    if isinstance(value, type):
        raise TypeError(
            f"{name} must be an object, got the class {value.__name__}. In a gin file, write the "
            f"reference to it with parentheses: @{value.__name__}()."
        )
