"""A process ends when it is asked to, whatever its main thread does."""

import os
import signal
import subprocess
import sys

import pytest

from tests.system import helpers

ATTENTIVE = """
from ibc_agents.distributed import stopping
stop = stopping.StopRequest()
stop.check()
print("at work", flush=True)
try:
    while True:
        stop.wait(0.1)
except stopping.Stopped as stopped:
    print("wrote a checkpoint", flush=True)
    raise SystemExit(stopped.exit_code)
"""
ROBBED = ATTENTIVE.replace(
    "stop.check()",
    """
import ctypes
for number in (2, 15):
    ctypes.CDLL(None).signal(number, 1)  # SIG_IGN
stop.take_over()
""",
)
HELD = """
import time
from ibc_agents.distributed import stopping
stop = stopping.StopRequest(grace_seconds=0.5)
print("at work", flush=True)
while True:
    time.sleep(1)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("program", "said"),
    [(ATTENTIVE, "wrote a checkpoint\n"), (ROBBED, "wrote a checkpoint\n"), (HELD, "")],
)
def test_ends_with_the_signals_status(program, said, number):
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(helpers.ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "at work\n"
    process.send_signal(number)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert rest == said
