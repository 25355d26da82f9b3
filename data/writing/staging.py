"""Where a dataset folder grows before all of it appears at once."""

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
    """The hidden folder beside a dataset folder that becomes it.

    One process has it at a time. What a killed process left in it is still there for the next one.
    Hidden files in it are scaffolding, and no part of the dataset.

    Args:
        folder: the dataset folder; must not exist yet, or be empty.

    Attributes:
        folder: the dataset folder.
        path: the hidden folder.

    Raises:
        DataError: the dataset folder holds something, another process is writing it, or it cannot
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
        """Removes everything from it but the `kept` names."""
        with files.report_disk_errors(self.folder, DataError):
            for path in list(self.path.iterdir()):
                if path.name not in (_LOCK_NAME, *kept):
                    _remove(path)

    def publish(self) -> None:
        """Makes it the dataset folder, without the scaffolding.

        Raises:
            DataError: there is such a folder by now, or it cannot be written.
        """
        with files.report_disk_errors(self.folder, DataError):
            for path in self.path.iterdir():
                if not _is_scaffolding(path):
                    files.fsync(path)
            files.fsync(self.path)
            self._refuse_to_overwrite()
            os.rename(self.path, self.folder)
            self._published = True
            # Only now: a kill before would cost what the scaffolding is there to keep.
            for path in filter(_is_scaffolding, list(self.folder.iterdir())):
                _remove(path)
            files.fsync(self.folder.parent)

    def close(self, kept: Collection[str] = ()) -> None:
        """Leaves it, with the `kept` names, to the next process; removes it if there are none.

        After `publish` there is nothing to keep or remove.
        """
        if not self._published:
            with contextlib.suppress(DataError):
                self.clear(kept)
            if not kept:
                shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    def _acquire(self) -> int:
        """The descriptor of the lock, whose owner has the folder."""
        lock = self.path / _LOCK_NAME
        while True:
            self.path.mkdir(exist_ok=True)
            try:
                descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
            except FileNotFoundError:
                continue  # Its owner published or removed it just now.
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(descriptor), os.stat(lock)):
                    return descriptor
            except FileNotFoundError:
                pass
            except BlockingIOError as error:
                os.close(descriptor)
                raise DataError(
                    f"{self.folder}: another process is writing it; wait until it has ended."
                ) from error
            os.close(descriptor)

    def _refuse_to_overwrite(self) -> None:
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise DataError(f"{self.folder}: exists already; remove it or name another folder.")


def _remove(path: pathlib.Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _is_scaffolding(path: pathlib.Path) -> bool:
    return path.name.startswith(".")
