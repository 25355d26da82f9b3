"""Argument types of the benchmarks' command lines."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection


def one_of(kind: str, names: Collection[str]) -> Callable[[str], str]:
    """Returns an argparse type that accepts one of some names.

    The `choices` of argparse reject an empty list of positional arguments.

    Args:
        kind: Noun for the error message, such as "workload".
        names: The valid names.
    """

    def name(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(
                f"unknown {kind} {text!r}; choose from {', '.join(names)}"
            )
        return text

    return name
