"""PyBullet prints no messages."""

import subprocess
import sys


def test_connection_prints_nothing():
    script = (
        "from environments.block_pushing import engine\n"
        "print('before', flush=True)\n"
        "engine.connect().disconnect()\n"
        "print('after')\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert process.stdout == "before\nafter\n"
    assert "pybullet" not in process.stderr
