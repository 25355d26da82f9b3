"""The health endpoint reports the state of a role."""

import json
import socket
import urllib.error
import urllib.request

import pytest

from ibc_agents.core import errors
from ibc_agents.distributed.processes import health, ports


def get(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_reports_readiness_step_and_contact():
    port = ports.find_free_port()
    state = health.Health("learner")
    health.serve(state, port, public=False)
    unknown = {"role": "learner", "step": None, "seconds_since_contact": None, "message": ""}
    assert get(port) == (503, {**unknown, "ready": False})
    state.ready, state.step, state.message = True, 300, "step 300 of 400"
    state.record_contact()
    status, report = get(port)
    assert status == 200
    assert 0 <= report.pop("seconds_since_contact") < 5
    assert report == {"role": "learner", "ready": True, "step": 300, "message": "step 300 of 400"}


def test_is_not_ready_without_a_server():
    state = health.Health("learner")
    state.ready = True
    state.unreachable_servers.add("replay:1")
    assert not state.report()["ready"]


def test_a_port_in_use_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(errors.RunError, match=f"port {port} .* another --health_port"):
            health.serve(health.Health("replay"), port, public=False)
