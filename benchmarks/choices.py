"""What command lines of benchmarks share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection


def one_of(kind: str, names: Collection[str]) -> Callable[[str], str]:
    """Returns the argparse type of one of `names`; its own choices refuse that there be none.

    Args:
        kind: of what has these names, for the message.
        names: that there are.
    """

    def name(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(
                f"no {kind} is called {text}; there are {', '.join(names)}"
            )
        return text

    return name
