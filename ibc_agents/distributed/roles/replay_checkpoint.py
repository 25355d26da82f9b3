"""The checkpoint of a replay server, which is verified before Reverb reads it.

Reverb ends the process if a file of its checkpoint is damaged, and would do so at every restart.
"""

from __future__ import annotations

import hashlib
import pathlib
import shutil
from collections.abc import Callable

import reverb

from ibc_agents.core import files

_CHECKSUMS = "checksums.json"
_BLOCK_BYTES = 1 << 20


class ReplayCheckpoint:
    """The folder of one checkpoint and the checksums of its files."""

    def __init__(self, folder: pathlib.Path, log: Callable[[str], None]) -> None:
        """Removes a damaged checkpoint, and those of other jobs beside the folder.

        Args:
            folder: Folder of the checkpoint; created if necessary. Its parent holds nothing else.
            log: Called with a message about a damaged checkpoint.

        Raises:
            RunError: If the folder cannot be written.
        """
        self._folder = folder
        self._log = log
        with files.report_disk_errors(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            for path in folder.parent.iterdir():
                if path != folder:
                    _remove(path)
                elif not self._is_whole():
                    log(f"the checkpoint {folder} is not whole; the demonstrations are read again")
                    _remove(path)
            folder.mkdir(exist_ok=True)

    @property
    def checkpointer(self) -> reverb.checkpointers.DefaultCheckpointer:
        """The object with which a server restores and writes the checkpoint."""
        return reverb.checkpointers.DefaultCheckpointer(str(self._folder))

    def write(self, address: str) -> None:
        """Writes the checkpoint of a server; logs a message if that fails.

        Args:
            address: `host:port` of the server.
        """
        try:
            reverb.Client(address).checkpoint()
            files.write_json(self._folder / _CHECKSUMS, self._hash_files())
        except (RuntimeError, OSError) as error:  # Reverb raises a RuntimeError.
            reason = str(error).partition("\n")[0]
            self._log(f"continuing without a checkpoint, which cannot be written ({reason})")

    def _is_whole(self) -> bool:
        """Whether the folder has exactly the files of the checksums, or none."""
        try:
            if not any(self._folder.iterdir()):
                return True
            return files.read_json(self._folder / _CHECKSUMS) == self._hash_files()
        except (OSError, ValueError):
            return False

    def _hash_files(self) -> dict[str, str]:
        """Returns the SHA-256 of each file, in hexadecimal, by its path in the folder.

        Raises:
            OSError: If a file cannot be read.
        """
        hashes = {}
        for path in sorted(self._folder.rglob("*")):
            name = path.relative_to(self._folder).as_posix()
            if name != _CHECKSUMS and not path.is_dir():
                hashes[name] = _hash_file(path)
        return hashes


def _hash_file(path: pathlib.Path) -> str:
    content = hashlib.sha256()
    with files.open_file(path) as file:
        while block := file.read(_BLOCK_BYTES):
            content.update(block)
    return content.hexdigest()


def _remove(path: pathlib.Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
