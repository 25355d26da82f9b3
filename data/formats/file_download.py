"""Downloads one file over HTTP; resumes after an interruption and verifies the result."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import http.client
import json
import os
import pathlib
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any, BinaryIO

import tqdm

from data.errors import DataError
from data.shards import manifest
from ibc_agents.core import files

_TIMEOUT_SECONDS = 30
_BLOCK_BYTES = 1 << 18


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
        if not path.exists():
            with open(partial, "ab") as file:
                _lock(file, path)
                try:
                    _complete(url, file, partial.with_name(f"{partial.name}.json"))
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
    known = _read_json(record)
    for expected in (sha256, known.get("sha256")):
        if expected not in (None, found.sha256):
            raise DataError(
                f"{path}: the existing file has SHA-256 {found.sha256}, expected {expected}: it "
                "was changed or damaged. Remove it to download it again."
            )
    return found


def _lock(file: BinaryIO, path: pathlib.Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DataError(
            f"{path}: another process is downloading it; wait until it has finished."
        ) from error


def _complete(url: str, file: BinaryIO, state_path: pathlib.Path) -> None:
    """Appends the missing part of a file; starts again if the server's file has changed.

    Args:
        url: URL of the file.
        file: The part received so far, opened for appending.
        state_path: JSON file with the server's answer to the request of that part.
    """
    state, begin = _read_json(state_path), file.tell()
    headers = {"Accept-Encoding": "identity"}
    if state.get("url") == url and state.get("version"):
        if state["length"] == begin:
            return
        headers |= {"Range": f"bytes={begin}-", "If-Range": state["version"]}
    request = urllib.request.Request(url, headers=headers)
    with contextlib.closing(_open(request)) as response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            file.truncate(0)
            begin = 0
        length = _whole_length(response, begin)
        version = response.headers["ETag"] or response.headers["Last-Modified"]
        files.write_json(state_path, {"url": url, "version": version, "length": length})
        name = pathlib.PurePosixPath(url).name
        with tqdm.tqdm(
            desc=name, total=length, initial=begin, unit="B", unit_scale=True, unit_divisor=1024
        ) as bar:
            for block in _blocks(response):
                file.write(block)
                bar.update(len(block))
            received = bar.n
    if length is not None and received != length:
        raise DataError(
            f"{url}: the connection was interrupted after {received} of {length} bytes. Run the "
            "same command again to resume."
        )


def _open(request: urllib.request.Request) -> Any:
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        raise DataError(
            f"{request.full_url}: the server answers {error.code} {error.reason}; check the URL."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise DataError(
            f"{request.full_url}: there is no network, or {request.host} does not answer "
            f"({reason}). Download the file on a machine with network access, and copy it here."
        ) from error


def _blocks(response: Any) -> Iterator[bytes]:
    """Yields the received bytes until the response or the connection ends."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        while block := response.read(_BLOCK_BYTES):
            yield block


def _whole_length(response: Any, begin: int) -> int | None:
    """Returns the length of the whole file in bytes; None if the server does not state it.

    Raises:
        DataError: If the server sends another part than requested.
    """
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        length = response.headers["Content-Length"]
        return None if length is None else int(length)
    part = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers["Content-Range"] or "")
    if part is None or int(part[1]) != begin:
        raise DataError(
            f"{response.url}: the server sends the range {response.headers['Content-Range']}; "
            f"the bytes from {begin} on were requested."
        )
    return int(part[2])


def _read_json(path: pathlib.Path) -> dict[str, Any]:
    """Returns the content of a JSON file; empty if it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
