"""Receives a file, or the rest of it, over HTTP."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import pathlib
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any, BinaryIO

import tqdm

from data.errors import DataError
from ibc_agents.core import files

_TIMEOUT_SECONDS = 30
_BLOCK_BYTES = 1 << 18
_LENGTH = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18})")
_VERSION = re.compile(r"[ -~]{1,1000}")  # what a header can contain


@dataclasses.dataclass(frozen=True)
class _Answer:
    """What the server said about its file when it sent the first part.

    Attributes:
        url: URL of the file.
        version: Its ETag or time of modification; None if the server states neither.
        length: Its length in bytes; None if the server does not state it.
    """

    url: str
    version: str | None
    length: int | None

    @classmethod
    def read(cls, path: pathlib.Path) -> _Answer | None:
        """Reads a JSON file; returns None if it is missing or damaged."""
        try:
            answer = cls(**files.read_json(path))
        except (OSError, ValueError, TypeError):
            return None
        is_version = isinstance(answer.version, str) and _VERSION.fullmatch(answer.version)
        is_length = answer.length is None or type(answer.length) is int and answer.length >= 0
        return answer if (is_version or answer.version is None) and is_length else None


def receive(url: str, file: BinaryIO, state_path: pathlib.Path) -> None:
    """Appends the missing part of a file; starts again if the server's file has changed.

    Args:
        url: URL of the file.
        file: The part received so far, opened for appending.
        state_path: JSON file with the server's answer to the request of that part.

    Raises:
        DataError: If there is no network, the server does not have the file, its answer breaks
            HTTP, or the connection was interrupted.
        OSError: If the file cannot be written.
    """
    known, begin = _Answer.read(state_path), file.tell()
    headers = {"Accept-Encoding": "identity"}
    if known is not None and known.url == url and known.version is not None:
        if known.length == begin:
            return
        if known.length is None or begin < known.length:
            headers |= {"Range": f"bytes={begin}-", "If-Range": known.version}
    with contextlib.closing(_open(url, headers)) as response:
        length: int | None
        if response.status == http.HTTPStatus.PARTIAL_CONTENT:
            length = _whole_length(response, begin if "Range" in headers else None)
        else:
            file.truncate(0)
            begin, length = 0, _length(response)
        version = response.headers["ETag"] or response.headers["Last-Modified"]
        files.write_json(state_path, dataclasses.asdict(_Answer(url, version, length)))
        with tqdm.tqdm(
            desc=pathlib.PurePosixPath(url).name,
            total=length,
            initial=begin,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
        ) as bar:
            for block in _blocks(response):
                file.write(block)
                bar.update(len(block))
            received = bar.n
    if length is None or received == length:
        return
    if received > length:
        file.truncate(0)
        raise DataError(
            f"{url}: the server announces {length} bytes and sends {received}. The file was"
            " removed; download it again."
        )
    raise DataError(
        f"{url}: the connection was interrupted after {received} of {length} bytes. Run the same"
        " command again to resume."
    )


def _open(url: str, headers: dict[str, str]) -> Any:
    """Returns the response to a request: status 200, or 206 with a part of the file."""
    try:
        request = urllib.request.Request(url, headers=headers)
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        raise DataError(
            f"{url}: the server answers {error.code} {error.reason}; check the URL."
        ) from error
    # ValueError: The address of a redirection is none.
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise DataError(
            f"{url}: there is no network, or {urllib.parse.urlsplit(url).hostname} does not answer"
            f" ({reason!s:.200}). Download the file on a machine with network access, and copy it"
            " here."
        ) from error
    encoding = response.headers["Content-Encoding"] or "identity"
    if response.status not in (http.HTTPStatus.OK, http.HTTPStatus.PARTIAL_CONTENT):
        problem = f"answers {response.status} instead of the file"
    elif encoding != "identity":
        problem = f"sends the file in the encoding {encoding!r}, which was not requested"
    else:
        return response
    response.close()
    raise DataError(f"{url}: the server {problem}; download the file with a browser.")


def _blocks(response: Any) -> Iterator[bytes]:
    """Yields the received bytes until the response or the connection ends."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        while block := response.read(_BLOCK_BYTES):
            yield block


def _length(response: Any) -> int | None:
    """Returns the announced length in bytes; None if the server does not announce it."""
    text = response.headers["Content-Length"]
    if text is None:
        return None
    if not _LENGTH.fullmatch(text.strip()):
        raise DataError(f"{response.url}: the server announces the length {text!r:.80}.")
    return int(text)


def _whole_length(response: Any, begin: int | None) -> int:
    """Returns the length of the whole file, of which the server sends a part.

    Args:
        response: The response with the part.
        begin: First byte of the requested part; None if the whole file was requested.

    Raises:
        DataError: If the server sends another part than requested.
    """
    text = response.headers["Content-Range"] or ""
    part = _RANGE.fullmatch(text)
    if part is None or int(part[1]) != begin:
        wanted = "the whole file was" if begin is None else f"the bytes from {begin} on were"
        raise DataError(
            f"{response.url}: the server sends the range {text!r:.80}; {wanted} requested."
        )
    return int(part[2])
