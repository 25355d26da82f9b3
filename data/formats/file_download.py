"""Downloads one file; resumes after an interruption and verifies the result."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import pathlib
from typing import BinaryIO

from data.errors import DataError
from data.formats import http_transfer
from data.shards import manifest
from ibc_agents.core import files


@dataclasses.dataclass(frozen=True)
class DownloadedFile:
    """A downloaded file. The record beside it, `NAME.json`, has the same content.

    Attributes:
        url: URL of the file.
        num_bytes: Length in bytes.
        sha256: SHA-256 (hex) of its bytes.
    """

    url: str
    num_bytes: int
    sha256: str


def download_file(url: str, path: str | os.PathLike, sha256: str | None = None) -> DownloadedFile:
    """Downloads a file with a progress bar, or verifies that it was downloaded before.

    An interrupted download is resumed if the server still has the same file and supports range
    requests. An existing file is compared with the record of its download.

    Args:
        url: URL of the file.
        path: Path of the file to create. Its folder is created if necessary.
        sha256: Expected SHA-256 (hex, lower case); None if unknown.

    Raises:
        DataError: If there is no network, the server does not have the file, the connection was
            interrupted, the hash differs, or the disk is full.
    """
    path = pathlib.Path(path)
    partial, record = path.with_name(f".{path.name}.partial"), path.with_name(f"{path.name}.json")
    with files.report_disk_errors(path.parent, DataError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(path):
            with open(partial, "ab", opener=_open_at_once) as file:
                _lock(file, path)
                try:
                    http_transfer.receive(url, file, partial.with_name(f"{partial.name}.json"))
                finally:
                    file.flush()
                    os.fsync(file.fileno())
                    if not file.tell():
                        partial.unlink()
            found = DownloadedFile(url, partial.stat().st_size, manifest.file_sha256(partial))
            if sha256 not in (None, found.sha256):
                partial.unlink()
                raise DataError(
                    f"{url}: the downloaded file has SHA-256 {found.sha256}, expected {sha256}. It "
                    "was removed; download it again, or check the hash."
                )
            files.write_json(record, dataclasses.asdict(found))
            os.replace(partial, path)
            partial.with_name(f"{partial.name}.json").unlink(missing_ok=True)
            return found
        return _check(path, record, url, sha256)


def _check(
    path: pathlib.Path, record: pathlib.Path, url: str, sha256: str | None
) -> DownloadedFile:
    """Compares an existing file with the expected hash and the record of its download."""
    found = DownloadedFile(url, path.stat().st_size, manifest.file_sha256(path))
    for expected in (sha256, _read_record(record)):
        if expected not in (None, found.sha256):
            raise DataError(
                f"{path}: the existing file has SHA-256 {found.sha256}, expected {expected}: it "
                "was changed or damaged. Remove it to download it again."
            )
    return found


def _open_at_once(path: str, flags: int) -> int:
    """Opens a file to write; does not wait for the reader of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK, 0o644)


def _lock(file: BinaryIO, path: pathlib.Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DataError(
            f"{path}: another process is downloading it; wait until it has finished."
        ) from error


def _read_record(path: pathlib.Path) -> str | None:
    """Returns the SHA-256 that the record beside a download states; None without a record.

    Raises:
        DataError: If the record is damaged.
    """
    try:
        sha256 = files.read_json(path)["sha256"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        sha256 = None
    if not isinstance(sha256, str):
        raise DataError(
            f"{path}: the record of the download is damaged. Remove it and the file beside it, and"
            " download the file again."
        )
    return sha256
