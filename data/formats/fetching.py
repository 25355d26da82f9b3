"""One file over HTTP: resumed after any interruption, verified, whole or not there."""

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
class Fetched:
    """A file that is there; the record beside it, `NAME.json`, says the same.

    Attributes:
        url: where it came from.
        num_bytes: its length.
        sha256: SHA-256 (hex) of its bytes.
    """

    url: str
    num_bytes: int
    sha256: str


def fetch(url: str, path: str | os.PathLike, sha256: str | None = None) -> Fetched:
    """Downloads a file, with a progress bar, or finds that it is there.

    What came before an interruption is kept and gone on from, if the server still has the same file
    and can send a part of it. A file that is there is held against the record of its download.

    Args:
        url: of the file.
        path: where it goes; its folder is created if need be.
        sha256: what its SHA-256 (hex, small letters) must be; None where that is not known.

    Raises:
        DataError: there is no network, the server has no such file, the connection was cut, the
            file is not what it should be, or the disk is full.
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
            found = Fetched(url, partial.stat().st_size, manifest.file_sha256(partial))
            if sha256 not in (None, found.sha256):
                partial.unlink()
                raise DataError(
                    f"{url}: what came has SHA-256 {found.sha256} and not {sha256}, and was "
                    "removed; download it again, or check the hash."
                )
            files.write_json(record, dataclasses.asdict(found))
            os.replace(partial, path)
            partial.with_name(f"{partial.name}.json").unlink(missing_ok=True)
            return found
    return _check(path, record, url, sha256)


def _check(path: pathlib.Path, record: pathlib.Path, url: str, sha256: str | None) -> Fetched:
    """Holds a file that is there against what is known of it."""
    found = Fetched(url, path.stat().st_size, manifest.file_sha256(path))
    known = _read_json(record)
    for wanted in (sha256, known.get("sha256")):
        if wanted not in (None, found.sha256):
            raise DataError(
                f"{path}: it is there, but has SHA-256 {found.sha256} and not {wanted}: it was "
                "changed or damaged; remove it to download it anew."
            )
    return found


def _lock(file: BinaryIO, path: pathlib.Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DataError(
            f"{path}: another process is downloading it; wait until it has ended."
        ) from error


def _complete(url: str, file: BinaryIO, state_path: pathlib.Path) -> None:
    """Appends what is missing of the file; begins anew if the server's file is another one by now.

    Args:
        url: of the file.
        file: its beginning, opened to append.
        state_path: JSON of what the server said when that beginning came.
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
            f"{url}: the connection was cut after {received} of {length} bytes; the same command "
            "goes on from there."
        )


def _open(request: urllib.request.Request) -> Any:
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        raise DataError(
            f"{request.full_url}: the server answers {error.code} {error.reason}."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise DataError(
            f"{request.full_url}: there is no network, or {request.host} does not answer "
            f"({reason}); download the file where there is one, and copy it here."
        ) from error


def _blocks(response: Any) -> Iterator[bytes]:
    """What comes, until it ends or the connection breaks."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        while block := response.read(_BLOCK_BYTES):
            yield block


def _whole_length(response: Any, begin: int) -> int | None:
    """Bytes of the whole file; None where the server does not say.

    Raises:
        DataError: it sends another part than it was asked for.
    """
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        length = response.headers["Content-Length"]
        return None if length is None else int(length)
    part = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers["Content-Range"] or "")
    if part is None or int(part[1]) != begin:
        raise DataError(
            f"{response.url}: the server sends {response.headers['Content-Range']} where the bytes "
            f"from {begin} on were asked for."
        )
    return int(part[2])


def _read_json(path: pathlib.Path) -> dict[str, Any]:
    """What a file of ours says, nothing where it is not there or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
