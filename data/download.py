"""Downloads a dataset of D4RL, as the installed d4rl package names it.

    python -m data.download --task=pen-human-v0

Stopped or cut off, the same command goes on from what is there. The file appears whole or not at
all, with its hash beside it. `python -m data.import_d4rl` makes a dataset folder of it.
"""

from __future__ import annotations

import os
import re

from absl import flags

from data import errors
from ibc_agents.cli import command_line

_TASK = flags.DEFINE_string(
    "task", None, "Task of D4RL, such as pen-human-v0 or kitchen-complete-v0.", required=True
)
_OUT = flags.DEFINE_string("out", "downloads", "Folder for the file.")
_SHA256 = flags.DEFINE_string("sha256", None, "What the SHA-256 of the file must be, where known.")


def main() -> None:
    """Downloads the file."""
    from data.formats import d4rl_table, fetching

    if _SHA256.value is not None and not re.fullmatch("[0-9a-fA-F]{64}", _SHA256.value):
        raise errors.DataError(f"--sha256 is {_SHA256.value!r}; it has 64 hexadecimal digits.")
    url = d4rl_table.dataset_url(_TASK.value)
    path = os.path.join(os.path.expanduser(_OUT.value), os.path.basename(url))
    wanted = None if _SHA256.value is None else _SHA256.value.lower()
    fetched = fetching.fetch(url, path, wanted)
    print(f"{path}: {fetched.num_bytes} bytes, SHA-256 {fetched.sha256}")


if __name__ == "__main__":
    command_line.run(main, "the same command goes on from what is there")
