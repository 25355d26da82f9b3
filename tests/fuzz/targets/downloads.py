"""Answers of an HTTP server, what an interrupted download left, and the download."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pathlib
import re
import shutil
import socket
import threading
from unittest import mock

import numpy as np

from data.formats import file_download
from ibc_agents.core import files
from tests.fuzz import mutations, target

_CONTENT = bytes(range(256)) * 4
_RECEIVED = 300  # bytes before the interruption
_ANSWER = "answer"  # file name
_NAME = "toy.hdf5"


class _Server:
    """Answers every request on a port of the loopback interface by the same bytes."""

    def __init__(self) -> None:
        self.answer = b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/sets/{_NAME}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(1 << 16)
                connection.sendall(self.answer)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1 << 16)  # until the client closes


@functools.cache
def _server() -> _Server:
    return _Server()


class Downloads(target.Target):
    """A download that is new, interrupted or complete.

    Attributes:
        state: "new", "interrupted" or "complete".
    """

    mutants = 400

    def __init__(self, state: str) -> None:
        self.name = f"downloads_{state}"
        self.state = state

    def prepare(self, folder: pathlib.Path) -> None:
        begin = _RECEIVED if self.state == "interrupted" else 0
        lines = [
            "HTTP/1.1 206 Partial Content" if begin else "HTTP/1.1 200 OK",
            f"Content-Length: {len(_CONTENT) - begin}",
            'ETag: "one"',
            *([f"Content-Range: bytes {begin}-{len(_CONTENT) - 1}/{len(_CONTENT)}"] * bool(begin)),
            "Content-Type: application/octet-stream",
        ]
        head = "".join(f"{line}\r\n" for line in lines)
        (folder / _ANSWER).write_bytes(head.encode() + b"\r\n" + _CONTENT[begin:])
        if self.state == "interrupted":
            (folder / f".{_NAME}.partial").write_bytes(_CONTENT[:begin])
            state = {"url": "URL", "version": '"one"', "length": len(_CONTENT)}
            files.write_json(folder / f".{_NAME}.partial.json", state)
        elif self.state == "complete":
            (folder / _NAME).write_bytes(_CONTENT)
            record = {"url": "URL", "num_bytes": len(_CONTENT), "sha256": _sha256(_CONTENT)}
            files.write_json(folder / f"{_NAME}.json", record)

    def damage(self, folder: pathlib.Path, generator: np.random.Generator) -> str:
        answer = folder / _ANSWER
        if generator.random() < 0.5 and self.state != "complete":
            head, _, body = answer.read_bytes().partition(b"\r\n\r\n")
            text, description = mutations.damage_text(head.decode(), generator)
            answer.write_bytes(text.encode() + b"\r\n\r\n" + body)
            return f"head: {description}"
        return mutations.damage_folder(folder, generator)

    def read(self, folder: pathlib.Path) -> None:
        server, answer, out = _server(), folder / _ANSWER, folder / "out"
        server.answer = answer.read_bytes() if answer.is_file() else b""
        out.mkdir()
        for path in folder.iterdir():
            if _NAME in path.name:
                os.rename(path, out / path.name)
        state = out / f".{_NAME}.partial.json"
        if state.is_file() and not state.is_symlink():  # The port of the server differs.
            state.write_bytes(state.read_bytes().replace(b"URL", server.url.encode()))
        try:
            with mock.patch.dict(os.environ, no_proxy="*"):
                found = file_download.download_file(server.url, out / _NAME)
            content = (out / _NAME).read_bytes()
            announced = re.search(rb"\r\nContent-Length: (\d+)\r\n", server.answer)
            if found.sha256 != _sha256(content):
                raise target.Wrong("the recorded hash is not that of the file")
            if self.state == "complete" and content != _CONTENT:
                raise target.Wrong("the file was changed, and that was accepted")
            if self.state == "new" and announced and int(announced[1]) != len(content):
                raise target.Wrong(f"{len(content)} bytes were accepted instead of {announced[1]}")
        finally:
            shutil.rmtree(out)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


TARGETS = [Downloads(state) for state in ("new", "interrupted", "complete")]
