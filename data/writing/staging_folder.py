"""The hidden folder in which a dataset folder is written before it appears."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import shutil
from collections.abc import Collection

from data.errors import DataError
from ibc_agents.core import files

_LOCK_NAME = ".lock"


class StagingFolder:
    """A hidden folder `.NAME.partial` beside a dataset folder, which is renamed to it.

    A lock gives it to one process at a time. The next process finds what a killed one left in it.
    Hidden files in it are temporary and not part of the dataset.

    Args:
        folder: The dataset folder; must be absent or empty.

    Attributes:
        folder: The dataset folder.
        path: The hidden folder.

    Raises:
        DataError: If the dataset folder is not empty, another process is writing it, or it cannot
            be written.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = pathlib.Path(os.path.abspath(os.path.expanduser(folder)))
        self.path = self.folder.with_name(f".{self.folder.name}.partial")
        self._published = False
        with files.report_disk_errors(self.folder, DataError):
            self._refuse_to_overwrite()
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self._lock = self._acquire()
            try:
                self._refuse_to_overwrite()
            except DataError:
                self.close()
                raise

    def clear(self, kept: Collection[str] = ()) -> None:
        """Removes everything from the folder except the names in `kept`."""
        with files.report_disk_errors(self.folder, DataError):
            for path in list(self.path.iterdir()):
                if path.name not in (_LOCK_NAME, *kept):
                    _remove(path)

    def publish(self) -> None:
        """Renames it to the dataset folder, without the temporary files.

        Raises:
            DataError: If the dataset folder exists by now, or cannot be written.
        """
        with files.report_disk_errors(self.folder, DataError):
            for path in self.path.iterdir():
                if not _is_temporary(path):
                    files.fsync(path)
            files.fsync(self.path)
            self._refuse_to_overwrite()
            os.rename(self.path, self.folder)
            self._published = True
            # Not earlier: after a kill, the next process resumes from the temporary files.
            for path in filter(_is_temporary, list(self.folder.iterdir())):
                _remove(path)
            files.fsync(self.folder.parent)

    def close(self, kept: Collection[str] = ()) -> None:
        """Releases the lock; removes the folder, or keeps it for the next process.

        Args:
            kept: Names of the files to keep. Without any, the folder is removed. After `publish`
                it has no effect.
        """
        if not self._published:
            with contextlib.suppress(DataError):
                self.clear(kept)
            if not kept:
                shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    def _acquire(self) -> int:
        """Locks the folder and returns the descriptor of the lock file."""
        lock = self.path / _LOCK_NAME
        while True:
            self.path.mkdir(exist_ok=True)
            try:
                descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
            except FileNotFoundError:
                continue  # Its owner has just published or removed the folder.
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(descriptor), os.stat(lock)):
                    return descriptor
            except FileNotFoundError:
                pass
            except BlockingIOError as error:
                os.close(descriptor)
                raise DataError(
                    f"{self.folder}: another process is writing it; wait until it has finished."
                ) from error
            os.close(descriptor)

    def _refuse_to_overwrite(self) -> None:
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise DataError(f"{self.folder}: already exists; remove it or choose another folder.")


def _remove(path: pathlib.Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _is_temporary(path: pathlib.Path) -> bool:
    return path.name.startswith(".")
