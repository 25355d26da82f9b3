"""Prints the status of all roles."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

_UP_AND_CLEAR = "\x1b[{lines}F\x1b[J"


class StatusDisplay:
    """Prints lines of text: over the previous ones in a terminal, else only those that changed."""

    def __init__(self) -> None:
        """Creates an empty display."""
        self._shown: list[str] = []

    def show(self, lines: Sequence[str]) -> None:
        """Replaces the lines.

        Args:
            lines: The new lines; their number is the same in every call.
        """
        if sys.stdout.isatty():
            width = shutil.get_terminal_size().columns - 1
            clear = _UP_AND_CLEAR.format(lines=len(self._shown)) if self._shown else ""
            print(clear + "\n".join(line[:width] for line in lines), flush=True)
        else:
            for line in lines:
                if line not in self._shown:
                    print(line, flush=True)
        self._shown = list(lines)
