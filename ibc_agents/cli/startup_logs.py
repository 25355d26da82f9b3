"""Silences what libraries print when they start."""

from __future__ import annotations

import importlib.util
import logging
import os
import subprocess
import sys
import warnings

# Native code writes to file descriptor 2, which Python's logging does not control. These are
# regular expressions of its messages without information for the user.
_NATIVE_LOGS = "|".join(
    (
        r"^$",
        r"^\[reverb/cc/",  # a line for each table, server and sampler
        r"Unable to register cu[A-Z]+ factory",  # TensorFlow 2.15 on a machine without a GPU
        r"TF-TRT Warning",
        r"could not find cuda drivers",
        r"remapper failed",  # a graph optimization that TensorFlow skips if oneDNN is on
    )
)
_RESTORE_WARNINGS = (
    "Detecting that an object or model or tf.train.Checkpoint is being deleted with unrestored",
    "Value in checkpoint could not be found in the restored object",
)


def silence_startup_logs() -> None:
    """Silences startup logs. Call it before TensorFlow is imported.

    Errors are still printed. Log levels that the user has set in the environment stay.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module="(tf_agents|keras|gym|reverb).*")
    logging.getLogger("tensorflow").addFilter(_is_no_restore_warning)
    if importlib.util.find_spec("gym_notices"):
        from gym_notices import notices

        # TF-Agents imports gym, which prints a notice about its successor.
        notices.notices.clear()
    _filter_native_stderr()


def _is_no_restore_warning(record: logging.LogRecord) -> bool:
    """Returns False for warnings about checkpoints that were restored in part.

    Our code checks what it restores. These warnings, one for each variable, follow its message.
    """
    return not record.getMessage().startswith(_RESTORE_WARNINGS)


def _filter_native_stderr() -> None:
    """Pipes what native code writes to stderr through grep. Python's stderr stays direct.

    A process, unlike a thread, still prints the last message of a process that native code aborts.
    It has its own session, so that Ctrl-C does not end it before that message.
    """
    direct = os.dup(2)
    try:
        log_filter = subprocess.Popen(
            ["grep", "--line-buffered", "--invert-match", "--extended-regexp", _NATIVE_LOGS],
            stdin=subprocess.PIPE,
            stdout=direct,
            start_new_session=True,
        )
    except OSError:  # There is no grep: print everything.
        os.close(direct)
        return
    assert log_filter.stdin is not None  # It is a pipe.
    os.dup2(log_filter.stdin.fileno(), 2)
    log_filter.stdin.close()
    # It ends with this process. A set return code keeps Popen from warning that it still runs.
    log_filter.returncode = 0
    sys.stderr = os.fdopen(direct, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
