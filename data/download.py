"""Downloads a dataset of D4RL, whose URL the installed d4rl package contains.

    python -m data.download --task=pen-human-v0

The same command resumes an interrupted download. The file appears complete, with its hash beside
it. `python -m data.import_d4rl` converts it to a dataset folder.
"""

from __future__ import annotations

import os
import re

from absl import flags

from data import errors
from ibc_agents.cli import command_line, path_flags

_TASK = flags.DEFINE_string(
    "task", None, "Task of D4RL, such as pen-human-v0 or kitchen-complete-v0.", required=True
)
_OUT = path_flags.define_path("out", "downloads", "Folder for the file.")
_SHA256 = flags.DEFINE_string("sha256", None, "Expected SHA-256 of the file, if known.")


def main() -> None:
    """Downloads the file."""
    from data.formats import d4rl_urls, file_download

    if _SHA256.value is not None and not re.fullmatch("[0-9a-fA-F]{64}", _SHA256.value):
        raise errors.DataError(f"--sha256 is {_SHA256.value!r}; it has 64 hexadecimal digits.")
    url = d4rl_urls.dataset_url(_TASK.value)
    path = os.path.join(_OUT.value, os.path.basename(url))
    sha256 = None if _SHA256.value is None else _SHA256.value.lower()
    downloaded = file_download.download_file(url, path, sha256)
    print(f"{path}: {downloaded.num_bytes} bytes, SHA-256 {downloaded.sha256}")


if __name__ == "__main__":
    command_line.run(main, "the same command resumes the download")
