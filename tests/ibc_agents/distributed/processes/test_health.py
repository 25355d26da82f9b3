"""The health endpoint reports the state of a role."""

import contextlib
import dataclasses
import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request
from unittest.mock import ANY

import pytest

from ibc_agents.core import errors
from ibc_agents.distributed.processes import health, health_report
from tests.data.sources import listening


def get(port, path="/"):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_reports_readiness_step_and_contact():
    port = listening.free_port()
    state = health.Health("learner")
    health.serve(state.report, port, public=False)
    unknown = {"role": "learner", "step": None, "seconds_since_contact": None, "message": ""}
    unknown |= {"process": os.getpid()}
    assert get(port) == (503, {**unknown, "ready": False})
    assert get(port, health.ALIVE_PATH) == (200, {**unknown, "ready": False})
    state.ready, state.step, state.message = True, 300, "step 300 of 400"
    state.record_contact()
    status, report = get(port)
    assert status == 200
    assert 0 <= report["seconds_since_contact"] < 5
    fields = {"ready": True, "step": 300, "message": "step 300 of 400"}
    assert report == {**unknown, **fields, "seconds_since_contact": ANY}
    fetched = health_report.fetch(port, seconds=60)
    assert fetched == dataclasses.replace(state.report(), seconds_since_contact=ANY)


def test_is_not_ready_without_a_server():
    state = health.Health("learner")
    state.ready = True
    state.unreachable_servers.add("replay:1")
    assert not state.report().ready


def test_a_port_in_use_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(errors.RunError, match=f"port {port} .* another --health_port"):
            health.serve(health.Health("replay").report, port, public=False)


def test_silent_connections_take_no_threads_and_are_closed(monkeypatch):
    monkeypatch.setattr(health, "_REQUEST_SECONDS", 0.5)
    port = listening.free_port()
    health.serve(health.Health("learner").report, port, public=False)
    get(port)
    num_threads = threading.active_count()
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    silent[0].sendall(b"GET")
    silent[1].sendall(b"x" * 200_000)
    assert get(port)[0] == 503
    assert threading.active_count() == num_threads
    for connection in silent:
        with contextlib.suppress(ConnectionResetError), connection:
            assert connection.recv(1) == b""
    assert get(port)[0] == 503


REPORT = health_report.HealthReport("learner", 7, True, 300, 0.5, "step 300")
HEADERS = b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n"


@contextlib.contextmanager
def stranger(*parts, seconds=0.0):
    """Yields the port of a server that sends parts of an answer, with pauses, and then closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(1000)
                for part in parts:
                    connection.sendall(part)
                    time.sleep(seconds)

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"SSH-2.0-OpenSSH\r\n"],
        [HEADERS],
        [HEADERS, REPORT.to_json()[:-10]],
        [HEADERS, b"[]"],
        [HEADERS, b'"ready"'],
        [HEADERS, b"[" * 60_000],
        [HEADERS, REPORT.to_json().replace(b"300", b'"300"')],
        [HEADERS, REPORT.to_json().replace(b"true", b"1")],
        [HEADERS, b"x" * 200_000],
        [b"\xff" * 1000],
    ],
)
def test_half_and_foreign_answers_are_none(parts):
    with stranger(*parts) as port:
        assert health_report.fetch(port, seconds=60) is None


def test_a_late_answer_is_none():
    with stranger(HEADERS, *([b" "] * 20), REPORT.to_json(), seconds=0.1) as port:
        started = time.monotonic()
        assert health_report.fetch(port, seconds=0.5) is None
        assert time.monotonic() - started < 2.0
    with stranger(HEADERS, REPORT.to_json(), seconds=0.1) as port:
        assert health_report.fetch(port, seconds=60) == REPORT
