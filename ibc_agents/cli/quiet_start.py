"""Keeps the libraries' start-up noise out of the way of a command's own few lines."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import warnings

# Native code writes to file descriptor 2, whatever Python's logging is told.
_NATIVE_NOISE = "|".join(
    (
        r"^$",
        r"^\[reverb/cc/",  # one line for each table, server and sampler
        r"Unable to register cu[A-Z]+ factory",  # TensorFlow 2.15 on a machine without a GPU
        r"TF-TRT Warning",
        r"could not find cuda drivers",
        r"remapper failed",  # an optimisation of the graph that is left out where oneDNN is on
    )
)


def quieten() -> None:
    """Turns noise down; call it before TensorFlow is imported. Errors still come through."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module="(tf_agents|keras|gym|reverb).*")
    if importlib.util.find_spec("gym_notices"):
        from gym_notices import notices

        # TF-Agents imports gym, which prints a notice about its successor.
        notices.notices.clear()
    _filter_native_stderr()


def _filter_native_stderr() -> None:
    """Sends what native code writes to stderr through grep; Python's own stderr stays direct.

    A process of its own rather than a thread: it still passes on the last words of a process that
    native code ends. In a session of its own it outlives Ctrl-C, as those words may follow it.
    """
    direct = os.dup(2)
    try:
        noise_filter = subprocess.Popen(
            ["grep", "--line-buffered", "--invert-match", "--extended-regexp", _NATIVE_NOISE],
            stdin=subprocess.PIPE,
            stdout=direct,
            start_new_session=True,
        )
    except OSError:  # no grep: noise is better than silence
        os.close(direct)
        return
    assert noise_filter.stdin is not None  # it is a pipe
    os.dup2(noise_filter.stdin.fileno(), 2)
    noise_filter.stdin.close()
    # Its end comes with ours; nobody waits for it.
    noise_filter.returncode = 0
    sys.stderr = os.fdopen(direct, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
