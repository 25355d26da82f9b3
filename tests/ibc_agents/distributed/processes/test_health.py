"""What the health endpoint tells, and that it says why it cannot."""

import json
import socket
import urllib.error
import urllib.request

import pytest

from ibc_agents.core import errors
from ibc_agents.distributed.processes import health


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_tells_readiness_step_and_contact():
    port = free_port()
    known = health.Health("learner")
    health.serve(known, port, public=False)
    unknown = {"role": "learner", "step": None, "seconds_since_contact": None, "says": ""}
    assert ask(port) == (503, {**unknown, "ready": False})
    known.ready, known.step, known.says = True, 300, "step 300 of 400"
    known.touch()
    status, told = ask(port)
    assert status == 200
    assert 0 <= told.pop("seconds_since_contact") < 5
    assert told == {"role": "learner", "ready": True, "step": 300, "says": "step 300 of 400"}


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(errors.RunError, match=f"port {port} for --health_port"):
            health.serve(health.Health("replay"), port, public=False)
