"""A process exits after a signal, whatever its main thread does."""

import os
import signal
import subprocess
import sys

import pytest

from tests.system import helpers

POLLING = """
from ibc_agents.distributed.processes import shutdown
handler = shutdown.ShutdownHandler(grace_seconds=600)
handler.check()
print("running", flush=True)
try:
    while True:
        handler.wait(0.1)
except shutdown.ShutdownRequested as request:
    print("wrote a checkpoint", flush=True)
    raise SystemExit(request.exit_code)
"""
HANDLERS_REPLACED = POLLING.replace(
    "handler.check()",
    """
import ctypes
for number in (2, 15):
    ctypes.CDLL(None).signal(number, 1)  # SIG_IGN
handler.install()
""",
)
BLOCKED = """
import time
from ibc_agents.distributed.processes import shutdown
handler = shutdown.ShutdownHandler(grace_seconds=0.5)
print("running", flush=True)
while True:
    time.sleep(1)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("program", "output"),
    [
        (POLLING, "wrote a checkpoint\n"),
        (HANDLERS_REPLACED, "wrote a checkpoint\n"),
        (BLOCKED, ""),
    ],
)
def test_exits_with_the_status_of_the_signal(program, output, number):
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(helpers.ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "running\n"
    process.send_signal(number)
    rest, _ = process.communicate(timeout=300)
    assert process.returncode == 128 + number
    assert rest == output
