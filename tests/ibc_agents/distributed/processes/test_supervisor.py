"""The supervisor restarts a stopped process, reports its health, and leaves no files."""

import os
import signal
import sys
import textwrap
import threading
import time

import pytest

from ibc_agents.distributed.processes import (
    child_process,
    health_report,
    shutdown,
    supervised_role,
    supervisor,
)
from tests.data.sources import listening

# Takes the place of a role: it is ready, and finishes when a file appears.
ROLE = """
import pathlib, sys, tempfile, time
from ibc_agents.distributed.processes import role_process
port = int(sys.argv[-1].partition("=")[2])
process = role_process.RoleProcess("learner", port, False, grace_seconds=60)
tempfile.mkstemp()
process.health.step = 7
process.health.ready = True
process.log(f"runs in {tempfile.gettempdir()}")
while not pathlib.Path(sys.argv[1]).exists():
    process.shutdown.wait(0.05)
process.exit(0)
"""


@pytest.fixture
def run_role(tmp_path, monkeypatch):
    """A function that runs a job of one role, which ends when a file appears."""
    program = tmp_path / "role.py"
    program.write_text(textwrap.dedent(ROLE))

    def python(arguments, **options):
        assert arguments[1:3] == ["-m", "ibc_agents.distributed"]
        return popen([sys.executable, str(program), *arguments[3:]], **options)

    popen = child_process.subprocess.Popen
    monkeypatch.setattr(child_process.subprocess, "Popen", python)
    # Signal handlers are installed in the main thread alone.
    monkeypatch.setattr(supervisor.shutdown, "ShutdownHandler", lambda seconds: FakeHandler())
    monkeypatch.setenv("PYTHONPATH", os.fspath(supervisor.__file__).partition("/ibc_agents/")[0])

    def run(health_port):
        supervisor.run(
            {"learner-0": [str(tmp_path / "end")]},
            "learner-0",
            tmp_path / "logs",
            max_restarts=3,
            health_port=health_port,
            public=False,
            grace_seconds=60,
        )

    return run


class FakeHandler(shutdown.ShutdownHandler):
    def __init__(self):
        self._requested = threading.Event()


def test_a_stopped_process_is_replaced(run_role, tmp_path, monkeypatch):
    monkeypatch.setattr(supervised_role, "_LONGEST_SILENCE_SECONDS", 1.0)
    monkeypatch.setattr(child_process, "_HEALTH_TIMEOUT_SECONDS", 0.5)
    port = listening.free_port()
    job = threading.Thread(target=run_role, args=(port,))
    job.start()
    log = tmp_path / "logs" / "learner-0.log"
    report = wait_for(lambda: health_report.fetch(port, 1.0), lambda found: found and found.ready)
    assert (report.role, report.step, report.message) == ("job", 7, "all roles are ready")
    stopped = next(pid for pid in children() if "role.py" in command(pid))
    os.kill(stopped, signal.SIGSTOP)
    wait_for(lambda: log.read_text().count("runs in"), lambda count: count == 2)
    replaced = next(pid for pid in children() if "role.py" in command(pid))
    assert replaced != stopped
    (tmp_path / "end").touch()
    job.join()
    _, folder = (line.rpartition(" ")[2] for line in log.read_text().splitlines())
    assert not os.path.exists(folder)


def wait_for(read, condition):
    deadline = time.monotonic() + 300
    while not condition(value := read()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value


def children():
    path = f"/proc/{os.getpid()}/task"
    return [
        int(pid)
        for thread in os.listdir(path)
        for pid in open(f"{path}/{thread}/children").read().split()
    ]


def command(pid):
    with open(f"/proc/{pid}/cmdline") as file:
        return file.read()
