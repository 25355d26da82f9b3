"""The status of all roles, on one screen that is drawn over itself."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

_UP_AND_CLEAR = "\x1b[{lines}F\x1b[J"


class Screen:
    """Shows lines of text; where nobody looks at a terminal, only those that have changed."""

    def __init__(self) -> None:
        """Shows nothing yet."""
        self._shown: list[str] = []

    def show(self, lines: Sequence[str]) -> None:
        """Replaces what is shown.

        Args:
            lines: as many as before.
        """
        if sys.stdout.isatty():
            width = shutil.get_terminal_size().columns - 1
            above = _UP_AND_CLEAR.format(lines=len(self._shown)) if self._shown else ""
            print(above + "\n".join(line[:width] for line in lines), flush=True)
        else:
            for line in lines:
                if line not in self._shown:
                    print(line, flush=True)
        self._shown = list(lines)
