"""Makes the checkout importable and runs its commands."""

from __future__ import annotations

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def run_command(module: str, *flags: str) -> None:
    """Runs one of the project's commands from the root of the checkout.

    Raises:
        subprocess.CalledProcessError: If the command fails.
    """
    subprocess.run([sys.executable, "-m", module, *flags], check=True, cwd=ROOT)
