"""PyBullet's greetings do not reach the commands' output."""

import subprocess
import sys


def test_an_environment_is_made_without_a_word():
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
